/**
 * What forbids LVM on a host to make and activate a snapshot, as its administrator or its state has it. Looked at before
 * anything is made, because LVM would say it in one line after the fact, or, in test mode, not at all.
 */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { LVM } from './tool.ts';

export interface LvmLimits {
  /** Uuids of the groups that this host may change. Others have the system ID of another machine. */
  readonly ownGroups: ReadonlySet<string>;
  /** Uuids of groups of which a disk is visible twice. */
  readonly duplicateGroups: ReadonlySet<string>;
  /** `activation/volume_list`: what may be activated at all; undefined where everything may. */
  readonly volumeList: readonly string[] | undefined;
  /** A setting under which LVM changes or activates nothing. */
  readonly forbiddenBy: 'global/test=1' | 'global/metadata_read_only=1' | 'global/activation=0' | undefined;
}

const script: RemoteScript = {
  name: 'read-lvm-limits',
  script: `
command -v lvm >/dev/null 2>&1 || { printf '\\0\\0\\0'; exit 0; }
${LVM}
# Without the first option only our own settings would be shown; those that are not set are no error here.
sp_lvm 60 lvmconfig --mergedconfig global/test global/metadata_read_only global/activation activation/volume_list 2>/dev/null; printf '\\0'
# LVM ends with 5 where it could not read a group; such a group is not among those of this host.
sp_lvm 60 vgs -o vg_uuid; case $? in 0|5) printf '\\0' ;; *) exit 1 ;; esac
sp_lvm 60 pvs -a --binary -o pv_duplicate,vg_uuid; case $? in 0|5) printf '\\0' ;; *) exit 1 ;; esac`,
  args: [],
  needs: 'root',
};

export const readLvmLimits: RemoteCommand<LvmLimits> = {
  ...script,
  budgetMs: 240_000,
  repeatable: true,
  leavesNoProcess: true,
  parse: (output) => {
    const text = output.stdout.toString('utf8');
    const [settings = '', own, disks, rest] = text.split('\0');
    if (own === undefined || disks === undefined || rest !== '') {
      throw unreadableOutput(script, 'it is not three lists', `${output.stderr}${text}`);
    }
    return { ...parseSettings(settings), ownGroups: new Set(uuids(own)), duplicateGroups: duplicates(disks) };
  },
};

const UUID = /^[A-Za-z0-9]{6}(-[A-Za-z0-9]{4}){5}-[A-Za-z0-9]{6}$/;

const lines = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

function uuids(text: string): readonly string[] {
  return lines(text).map((line) => {
    if (!UUID.test(line)) throw unreadableOutput(script, 'it names a group by no uuid', line);
    return line;
  });
}

/** Lines of "1|UUID"; a device outside of all groups has no uuid, and -1 is a device that is not there. */
function duplicates(text: string): ReadonlySet<string> {
  return new Set(
    lines(text).flatMap((line) => {
      const [, duplicate, group = ''] = /^(0|1|-1|)\|(\S*)$/.exec(line) ?? [];
      if (duplicate === undefined || (group !== '' && !UUID.test(group))) {
        throw unreadableOutput(script, 'a disk is described in another form', line);
      }
      return duplicate === '1' && group !== '' ? [group] : [];
    }),
  );
}

function parseSettings(text: string): Pick<LvmLimits, 'volumeList' | 'forbiddenBy'> {
  const settings = new Map(
    lines(text).map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)] as const;
    }),
  );
  const list = settings.get('volume_list');
  return {
    volumeList:
      list === undefined
        ? undefined
        : [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, item = '']) => item.replaceAll(/\\(.)/g, '$1')),
    forbiddenBy: forbiddenBy(settings),
  };
}

function forbiddenBy(settings: ReadonlyMap<string, string>): LvmLimits['forbiddenBy'] {
  if (settings.get('test') === '1') return 'global/test=1';
  if (settings.get('metadata_read_only') === '1') return 'global/metadata_read_only=1';
  if (settings.get('activation') === '0') return 'global/activation=0';
  return undefined;
}

/** Whether a new snapshot in the group, with our tag, may be activated. "@*" depends on the host's tags: LVM decides. */
export function mayActivate(limits: LvmLimits, group: string, groupTags: readonly string[]): boolean {
  if (limits.volumeList === undefined) return true;
  const names = new Set([group, '@*', '@stillpoint', ...groupTags.map((tag) => `@${tag}`)]);
  return limits.volumeList.some((entry) => names.has(entry));
}
