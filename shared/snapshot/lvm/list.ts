/** Asking a host what LVM knows. A host without LVM answers with empty lists. */
import { StillpointError } from '../../base/errors.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { lastLines } from '../../remote/host-errors.ts';
import {
  type LogicalVolumeRecord,
  LV_FIELDS,
  parseLogicalVolumes,
  parseVolumeGroups,
  VG_FIELDS,
  type VolumeGroupRecord,
} from './records.ts';
import { LVM } from './tool.ts';

/** `exit 0` with nothing printed means: no LVM here. */
const ifPresent = (program: string, line: string): string =>
  `command -v ${program} >/dev/null 2>&1 || exit 0${LVM}\nsp_lvm 60 ${line}`;

function report<T>(
  script: RemoteScript,
  parse: (stdout: Buffer, command: RemoteScript) => readonly T[],
): RemoteCommand<readonly T[]> {
  return {
    ...script,
    budgetMs: 120_000,
    repeatable: true,
    leavesNoProcess: true,
    // LVM ends with 5 where it could not read one of the groups, and reports the others.
    accepts: [0, 5],
    parse: ({ stdout, stderr, exitCode }) => {
      if (stdout.length > 0) return parse(stdout, script);
      if (exitCode === 0) return [];
      throw stderr.trim() === ''
        ? unreadableOutput(script, `LVM reported nothing and ended with ${exitCode}`, stderr)
        : unableToReport(script, stderr);
    },
  };
}

/** Not one group could be read, for a reason that LVM gives: no room or no right to write its locks, for instance. */
function unableToReport({ name }: RemoteScript, stderr: string): StillpointError {
  return new StillpointError(
    'remote.command-failed',
    `LVM on the host cannot report what it has ("${name}").${lastLines(stderr)}`,
    {
      advice:
        'Correct on the host what it complains of, until "lvs" and "vgs" work there; LVM needs to write its locks below /run.',
      details: { command: name, stderr: stderr.slice(-2000) },
      cause: undefined,
    },
  );
}

export const listLogicalVolumes: RemoteCommand<readonly LogicalVolumeRecord[]> = report(
  {
    name: 'list-logical-volumes',
    script: ifPresent(
      'lvs',
      `lvs -a --foreign --shared --reportformat json --units b --nosuffix --binary -o ${LV_FIELDS.join(',')}`,
    ),
    args: [],
    needs: 'root',
  },
  parseLogicalVolumes,
);

export const listVolumeGroups: RemoteCommand<readonly VolumeGroupRecord[]> = report(
  {
    name: 'list-volume-groups',
    script: ifPresent(
      'vgs',
      `vgs --foreign --shared --reportformat json --units b --nosuffix --binary -o ${VG_FIELDS.join(',')}`,
    ),
    args: [],
    needs: 'root',
  },
  parseVolumeGroups,
);
