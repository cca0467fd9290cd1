/** Why nothing is made of a device: everything that was found is said at once. Pure. */
import { formatBytes } from '../../../base/bytes.ts';
import { StillpointError } from '../../../base/errors.ts';
import type { DeviceEnd, DeviceFacts } from './look.ts';

/** Below this there is no room for a group, a volume and its snapshots. */
const LEAST_BYTES = 64 * 1024 * 1024;

/** What device-mapper calls multipath disks, opened LUKS devices and partitions of these. */
const WHOLE_DEVICES = /^(part\d+-)?(mpath|CRYPT)-/;

export function findingsOn(facts: DeviceFacts): readonly string[] {
  const { mapperUuid, file, partitions, holders, mounts, signatures } = facts;
  return [
    ...(mounts.length > 0 ? [`it is mounted at ${list(mounts)}`] : []),
    ...(facts.isSwap ? ['it is used as swap'] : []),
    ...(partitions.length > 0 ? [`it has the partitions ${list(partitions)}`] : []),
    ...(holders.length > 0 ? [`${list(holders)} ${holders.length === 1 ? 'lies' : 'lie'} on it`] : []),
    ...(signatures.length > 0 ? [`it has the marks of ${signatures.join(', ')}`] : []),
    ...(facts.probe === 'ambivalent' ? ['it has marks of several kinds that contradict each other'] : []),
    ...dataOn(facts),
    ...(facts.isReadOnly ? ['it cannot be written'] : []),
    ...(facts.isRemovable ? ['it is a medium that can be taken out'] : []),
    ...(file !== '' ? [`it is the file "${file}", which is no device again after a restart`] : []),
    ...(/^\/dev\/z?ram\d/.test(facts.path) ? ['it is in memory'] : []),
    ...(mapperUuid !== '' && !WHOLE_DEVICES.test(mapperUuid)
      ? [`it was made by ${mapperUuid.startsWith('LVM-') ? 'LVM' : 'device-mapper'} (${mapperUuid})`]
      : []),
    ...(facts.sizeBytes < LEAST_BYTES
      ? [`it has ${formatBytes(facts.sizeBytes)}, and ${formatBytes(LEAST_BYTES)} is the least`]
      : []),
    ...(facts.refusal !== '' ? [`LVM would not take it: ${lastLine(facts.refusal)}`] : []),
  ];
}

/** Without a mark that anybody knows, bytes may still be a database's or another machine's. */
function dataOn(facts: DeviceFacts): readonly string[] {
  const unreadable = endsOf(facts, 'unreadable');
  const data = facts.signatures.length > 0 || facts.probe !== 'nothing' ? '' : endsOf(facts, 'data');
  return [
    ...(unreadable === '' ? [] : [`its ${unreadable} 16 MiB cannot be read, so what is there is not known`]),
    ...(data === ''
      ? []
      : [`there is something that is not zero in its ${data} 16 MiB, which has no mark that is known`]),
  ];
}

const endsOf = ({ start, end }: DeviceFacts, what: DeviceEnd): string =>
  [...(start === what ? ['first'] : []), ...(end === what ? ['last'] : [])].join(' and ');

const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';

export function refuseDevice(facts: DeviceFacts, findings: readonly string[], host: string): StillpointError {
  const isUsed = facts.mounts.length > 0 || facts.isSwap || facts.holders.length > 0;
  return new StillpointError(
    'host.device-in-use',
    `${facts.path} on "${host}" cannot be used, because ${findings.join('; ')}.`,
    {
      advice: isUsed
        ? 'Something there uses it: this is not the device that is meant. "lsblk" on the host lists them all.'
        : endsOf(facts, 'unreadable') !== ''
          ? 'A device that cannot be read is failing, or is not there as a whole: "dmesg" on the host says what the kernel met. Use another one.'
          : 'Only a device that is empty at both ends is used. Where this is the one that is meant and nobody needs what is on it, empty it by hand; Stillpoint removes nothing.',
      details: { host, device: facts.path, findings },
      cause: undefined,
    },
  );
}

export function absentDevice(device: string, host: string): StillpointError {
  return new StillpointError('host.path-not-found', `There is no block device "${device}" on "${host}".`, {
    advice: '"lsblk" on the host lists those that there are; name one as "/dev/sdb", or by a link below /dev/disk.',
    details: { host, device },
    cause: undefined,
  });
}
