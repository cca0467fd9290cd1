/** Asking a host what LVM knows. A host without LVM answers with empty lists. */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
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
    // LVM ends with 5 where it could not read one of the groups, and reports the others.
    accepts: [0, 5],
    parse: ({ stdout, stderr, exitCode }) => {
      if (stdout.length > 0) return parse(stdout, script);
      if (exitCode === 0) return [];
      throw unreadableOutput(script, `LVM reported nothing and ended with ${exitCode}`, stderr);
    },
  };
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
