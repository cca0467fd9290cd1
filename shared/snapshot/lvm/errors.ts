/** What went wrong when LVM made or mounted a snapshot, from the exit code of our script and from what LVM said. */
import { quotation } from '../../base/bytes.ts';
import { StillpointError, toStillpointError } from '../../base/errors.ts';
import { lastLines } from '../../remote/host-errors.ts';
import { noControlFiles } from '../lease/lease.ts';
import type { TakenSnapshot } from '../provider.ts';

export function createError(error: unknown, host: string): unknown {
  const known = toStillpointError(error);
  if (known.code !== 'remote.command-failed') return error;
  const stderr = stderrOf(known);
  const facts = { details: known.details, cause: error };
  if (known.details['exitCode'] === 75) {
    return new StillpointError(
      'snapshot.lease-lost',
      `The lease on "${host}" ended while the snapshots were being made.`,
      {
        advice:
          'Run the backup again; if it recurs, the host is too slow for the lease: raise "leaseSeconds" of the host.',
        ...facts,
      },
    );
  }
  if (known.details['exitCode'] === 71) return noControlFiles(known, host);
  if (known.details['exitCode'] === 78) {
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
        advice: 'Load the module with "modprobe dm-snapshot"; small cloud kernels lack it.',
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

export function mountError(error: unknown, snapshot: TakenSnapshot, host: string): unknown {
  const known = toStillpointError(error);
  if (known.code !== 'remote.command-failed') return error;
  const stderr = stderrOf(known);
  return new StillpointError(
    'snapshot.mount-failed',
    `The snapshot of "${snapshot.planned.volume}" on "${host}" could not be mounted.${lastLines(stderr)}`,
    {
      advice:
        'Look at "dmesg" on the host, and check the file system of the volume; the record of the job has all that was said.',
      details: known.details,
      cause: error,
    },
  );
}

function stderrOf(error: StillpointError): string {
  const { stderr } = error.details as { stderr?: unknown };
  return typeof stderr === 'string' ? stderr : '';
}

function lastLine(stderr: string): string {
  return quotation(stderr.trim().split('\n').at(-1) ?? '');
}
