/** How full LVM's snapshots and pools are, who watches them, and from when on they grow by themselves. */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { parseUpkeep, UPKEEP_FIELDS, type UpkeepRecord } from './records.ts';
import { LVM } from './tool.ts';

export interface UpkeepSettings {
  /** By the uuid of the volume. */
  readonly records: ReadonlyMap<string, UpkeepRecord>;
  /** From how many percent on a pool grows by itself, by the name of its profile ("" for none); 100 for never. */
  readonly thresholds: ReadonlyMap<string, number>;
}

/** What LVM does where nothing is set. */
const NEVER = 100;

const script: RemoteScript = {
  name: 'read-lvm-upkeep',
  script: `
command -v lvs >/dev/null 2>&1 || exit 0
${LVM}
sp_lvm 60 lvs -a --reportformat json --units b --nosuffix -o ${UPKEEP_FIELDS.join(',')}; case $? in 0|5) printf '\\0' ;; *) exit 1 ;; esac
{ echo; sp_lvm 60 lvs -o lv_profile 2>/dev/null | sort -u; } | while read -r profile; do
  case $profile in *[!A-Za-z0-9_.+-]*) continue ;; esac
  printf '%s=' "$profile"
  if [ -n "$profile" ]; then set -- --metadataprofile "$profile"; else set --; fi
  # What is not set is printed nowhere, and ends it with an error.
  sp_lvm 60 lvmconfig --mergedconfig "$@" activation/thin_pool_autoextend_threshold 2>/dev/null | tr -d '\\n'
  printf '\\n'
done; printf '\\0'`,
  args: [],
  needs: 'root',
};

export const readUpkeep: RemoteCommand<UpkeepSettings> = {
  ...script,
  budgetMs: 240_000,
  repeatable: true,
  leavesNoProcess: true,
  parse: ({ stdout }) => {
    if (stdout.length === 0) return { records: new Map(), thresholds: new Map() };
    const text = stdout.toString('utf8');
    const [report = '', profiles, rest] = text.split('\0');
    if (profiles === undefined || rest !== '') throw unreadableOutput(script, 'it is not two lists', text);
    const records = report === '' ? [] : parseUpkeep(Buffer.from(report), script);
    const lines = profiles.split('\n').filter((line) => line !== '');
    return {
      records: new Map(records.map((record) => [record.lv_uuid, record])),
      thresholds: new Map(lines.map(parseThreshold)),
    };
  },
};

function parseThreshold(line: string): readonly [string, number] {
  const [, profile, value] = /^([A-Za-z0-9_.+-]*)=(?:thin_pool_autoextend_threshold=(\d{1,3}))?$/.exec(line) ?? [];
  if (profile === undefined) throw unreadableOutput(script, 'a profile is described in another form', line);
  return [profile, value === undefined ? NEVER : Number(value)];
}
