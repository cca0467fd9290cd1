/** What went wrong when LVM made or mounted a snapshot, from the exit code of our script and from what LVM said. */
import { quotation } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { FailedPart } from '../../remote/fragment.ts';
import { lastLines } from '../../remote/host-errors.ts';

/** Exit codes of what makes a snapshot: LVM failed, see stderr; LVM succeeded and there is no such device. */
export const CREATE_EXITS = { failed: 76, noDevice: 78 } as const;

/** @param module of the kernel that this kind of snapshot needs */
export function createError(failed: FailedPart, host: string, module: 'dm-snapshot' | 'dm-thin-pool'): StillpointError {
  const { stderr, exitCode } = failed;
  const facts = { details: { ...failed }, cause: undefined };
  if (exitCode === CREATE_EXITS.noDevice) {
    return new StillpointError(
      'snapshot.create-failed',
      `LVM on "${host}" reported a new snapshot, and there is no such device.`,
      {
        advice:
          'Look at "lvm dumpconfig global/test global/activation activation/volume_list" on the host: LVM may be set there to change nothing, or to activate nothing.',
        ...facts,
      },
    );
  }
  if (/free space in thin pool \S+ reached threshold/i.test(stderr)) {
    return new StillpointError(
      'snapshot.no-room',
      `LVM on "${host}" makes nothing new in a pool that is so full: ${lastLine(stderr)}`,
      {
        advice:
          'Make the pool larger with "lvextend"; the threshold is "activation/thin_pool_autoextend_threshold" in lvm.conf, at which dmeventd does that by itself where it is set up to.',
        ...facts,
      },
    );
  }
  if (/insufficient free space/i.test(stderr)) {
    return new StillpointError(
      'snapshot.no-room',
      `LVM on "${host}" found too little room for the snapshot: ${lastLine(stderr)}`,
      {
        advice: 'Something else took the space in the meantime; look at "vgs" on the host and run again.',
        ...facts,
      },
    );
  }
  if (/device-mapper target|not detected in your kernel/i.test(stderr)) {
    return new StillpointError(
      'snapshot.kernel-lacks-it',
      `The kernel of "${host}" cannot do LVM snapshots: ${lastLine(stderr)}`,
      {
        advice: `Load the module with "modprobe ${module}"; small cloud kernels lack it.`,
        ...facts,
      },
    );
  }
  return new StillpointError(
    'snapshot.create-failed',
    `A snapshot could not be made on "${host}".${lastLines(stderr)}`,
    {
      advice:
        'Correct what LVM complains of on the host, then run the backup again; the record of the job has all that it said.',
      ...facts,
    },
  );
}

/** @param volume of which it is a snapshot */
export function mountError(failed: FailedPart, volume: string, host: string): StillpointError {
  return new StillpointError(
    'snapshot.mount-failed',
    `The snapshot of "${volume}" on "${host}" could not be mounted.${lastLines(failed.stderr)}`,
    {
      advice:
        'Look at "dmesg" on the host, and check the file system of the volume; the record of the job has all that was said.',
      details: { ...failed },
      cause: undefined,
    },
  );
}

function lastLine(stderr: string): string {
  return quotation(stderr.trim().split('\n').at(-1) ?? '');
}
