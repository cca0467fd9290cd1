/**
 * The verdict after the last read. A thick snapshot that overflowed stays invalid forever, so one numeric status now,
 * on the same volume with the same table and mount, proves that it was valid all the time that we read.
 */
import { StillpointError } from '../../base/errors.ts';
import type { RunId } from '../../domain/names.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { ENTER } from '../lease/namespace.ts';
import { deviceMapperName } from './create.ts';
import type { MountedSnapshot } from './mount.ts';
import { IDENTITY } from './tool.ts';

export interface Expected {
  readonly group: string;
  readonly name: string;
  readonly uuid: string;
  readonly bootId: string;
  readonly mounted: MountedSnapshot;
}

export interface Observed {
  readonly uuid: string;
  /** `dmsetup status`: "0 LENGTH snapshot USED/TOTAL METADATA" in sectors, or words such as "Invalid". */
  readonly status: string;
  readonly table: string;
  readonly mountLine: string;
  readonly bootId: string;
  /** Whether a block of the snapshot could be read past the cache. */
  readonly readable: boolean;
}

export function observeSnapshot(run: RunId, expected: Expected): RemoteCommand<Observed> {
  const mapper = deviceMapperName(expected.group, expected.name);
  const script: RemoteScript = {
    name: 'observe-snapshot',
    script: `${ENTER}
${IDENTITY}
run=$1 mapper=$2 path=$3
sp_identity "$mapper" | tr -d '\\n'; printf '\\0'
dmsetup status "$mapper" 2>/dev/null | tr -d '\\n'; printf '\\0'
dmsetup table "$mapper" 2>/dev/null | tr -d '\\n'; printf '\\0'
(sp_enter "$run" grep -F " $path " /proc/self/mountinfo) 2>/dev/null | tail -n 1 | tr -d '\\n'; printf '\\0'
tr -d '\\n' < /proc/sys/kernel/random/boot_id; printf '\\0'
if dd "if=/dev/mapper/$mapper" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null; then printf 'yes\\0'; else printf 'no\\0'; fi`,
    args: [run, mapper, expected.mounted.path],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 60_000,
    repeatable: true,
    parse: (output) => {
      const fields = output.stdout.toString('latin1').split('\0');
      if (fields.length !== 7) throw unreadableOutput(script, 'it is not six fields', fields.join('|'));
      const [uuid = '', status = '', table = '', mountLine = '', bootId = '', readable = ''] = fields;
      return { uuid, status, table, mountLine, bootId, readable: readable === 'yes' };
    },
  };
}

/** Bytes in use, read from a status; undefined when the snapshot is not valid, or full to the last sector. */
export function usedBytes(status: string): number | undefined {
  const match = /^\d+ \d+ snapshot (\d+)\/(\d+) \d+$/.exec(status.trim());
  return match && Number(match[1]) < Number(match[2]) ? Number(match[1]) * 512 : undefined;
}

/** Throws unless the snapshot is the one that was made, and was whole all the time. */
export function judgeSnapshot(expected: Expected, observed: Observed, host: string): void {
  const label = `${expected.group}/${expected.name}`;
  if (observed.bootId !== expected.bootId) {
    throw new StillpointError(
      'host.rebooted',
      `"${host}" was restarted while the snapshot "${label}" was being read.`,
      {
        advice: 'Run the backup again.',
        details: { host, snapshot: label },
        cause: undefined,
      },
    );
  }
  if (observed.uuid === expected.uuid && usedBytes(observed.status) === undefined) {
    throw new StillpointError(
      'snapshot.full',
      `The snapshot "${label}" on "${host}" filled up while it was being read.`,
      {
        advice:
          'More was written to the origin than the snapshot had room for; the origin itself is not affected by that. Give its volume group more free space, or run at a quieter time.',
        details: { host, snapshot: label, status: observed.status },
        cause: undefined,
      },
    );
  }
  const same =
    observed.uuid === expected.uuid &&
    tableIdentity(observed.table) === tableIdentity(expected.mounted.table) &&
    observed.mountLine === expected.mounted.mountLine &&
    observed.readable;
  if (same) return;
  throw new StillpointError(
    'snapshot.identity-changed',
    `What was read on "${host}" is no longer the snapshot "${label}" that was made.`,
    {
      advice: 'Something on the host removed or replaced it; look for other snapshot tools, then run again.',
      details: { host, snapshot: label, expected: expected.mounted, observed },
      cause: undefined,
    },
  );
}

/** "0 LENGTH snapshot ORIGIN STORE P CHUNK": origin and store are device numbers and stay; the store may have grown. */
function tableIdentity(table: string): string {
  return table.trim().split(' ').slice(0, 7).join(' ');
}
