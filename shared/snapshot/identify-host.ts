/** What a host is and which of the programs that we need it has. One command, asked once per run. */
import type { WallSpan } from '../base/clock.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../remote/command.ts';

export interface HostIdentity {
  /** Whether we are root there. */
  readonly isRoot: boolean;
  /** "Linux 6.1.0 x86_64, Debian GNU/Linux 12 (bookworm)". */
  readonly system: string;
  readonly bootId: string;
  readonly uptimeSeconds: number;
  /** What the host's clock showed; a date(1) that knows no fractions leaves a second open. */
  readonly wallClock: WallSpan;
  /** Of the programs that a backup needs, those that are not there. */
  readonly missing: readonly string[];
  /** GNU tar and GNU find: others lack null-separated names, sparse files or extended attributes. */
  readonly gnuTar: boolean;
  readonly gnuFind: boolean;
  /** User and group names by number, from the local files. */
  readonly users: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
}

const scriptFor = (programs: readonly string[]): RemoteScript => ({
  name: 'identify-host',
  script: `
id -u | tr '\\n' '\\0'
uname -srm | tr '\\n' '\\0'
# Read, and not run: it is a file of the host's.
sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null | head -n 1 | tr -d '\\n'; printf '\\0'
tr '\\n' '\\0' < /proc/sys/kernel/random/boot_id
cut -d ' ' -f 1 /proc/uptime | tr '\\n' '\\0'
date +%s.%N | tr '\\n' '\\0'
for p do command -v "$p" >/dev/null 2>&1 || printf '%s ' "$p"; done; printf '\\0'
tar --version 2>/dev/null | head -n 1 | tr '\\n' '\\0'
find --version 2>/dev/null | head -n 1 | tr '\\n' '\\0'; printf '\\0'
cut -d : -f 1,3 /etc/passwd; printf '\\0'
cut -d : -f 1,3 /etc/group; printf '\\0'`,
  args: programs,
  // As root where that can be, because an account's own PATH and view may lack what root has.
  needs: 'either',
});

/** Where we are not root, nothing of ours was ever made on the host, and nothing will be. */
export const mayChangeHost: RemoteCommand<boolean> = {
  name: 'ask-rights',
  script: 'id -u',
  args: [],
  needs: 'either',
  budgetMs: 60_000,
  repeatable: true,
  leavesNoProcess: true,
  parse: ({ stdout }) => {
    const text = stdout.toString('latin1');
    if (!/^\d+\n$/.test(text)) throw unreadableOutput(mayChangeHost, 'it is no number', text);
    return text === '0\n';
  },
};

/** @param programs that are needed */
export function identifyHost(programs: readonly string[]): RemoteCommand<HostIdentity> {
  const script = scriptFor(programs);
  return {
    ...script,
    budgetMs: 120_000,
    repeatable: true,
    leavesNoProcess: true,
    parse: (output) => {
      const text = output.stdout.toString('utf8');
      const fields = text.split('\0');
      const at = (fromEnd: number): string => fields.at(-fromEnd) ?? '';
      const [uid = '', kernel = '', distribution = '', bootId = '', uptime = '', wall = '', missing = ''] = fields;
      // A date(1) without %N prints it as it is.
      const clock = /^(\d{1,12})(?:\.(?:(\d{3})\d{6}|\D*))?$/.exec(wall);
      if (
        fields.length < 10 ||
        !/^\d+$/.test(uid) ||
        !/^[0-9a-f-]{36}$/.test(bootId) ||
        !/^\d+(\.\d+)?$/.test(uptime) ||
        clock === null
      ) {
        throw unreadableOutput(script, 'the fields have another form', text);
      }
      const versions = fields.slice(7, -3).join('\n');
      return {
        isRoot: uid === '0',
        system: distribution === '' ? kernel : `${kernel}, ${unquoted(distribution)}`,
        bootId,
        uptimeSeconds: Number(uptime),
        wallClock: spanOf(Number(clock[1]) * 1000, clock[2]),
        missing: missing.split(' ').filter((program) => program !== ''),
        gnuTar: versions.includes('GNU tar'),
        gnuFind: versions.includes('GNU findutils'),
        users: parseIds(at(3)),
        groups: parseIds(at(2)),
      };
    },
  };
}

/** A value of os-release(5): plain, or in quotes of the shell. */
function unquoted(text: string): string {
  const [, quote, inner = text] = /^(["'])(.*)\1$/.exec(text.trim()) ?? [];
  return quote === '"' ? inner.replaceAll(/\\(.)/g, '$1') : inner;
}

function spanOf(secondsMs: number, milliseconds: string | undefined): WallSpan {
  if (milliseconds === undefined) return { earliestMs: secondsMs, latestMs: secondsMs + 1000 };
  const ms = secondsMs + Number(milliseconds);
  return { earliestMs: ms, latestMs: ms + 1 };
}

function parseIds(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const match = /^([^:]+):(\d+)$/.exec(line);
    const id = Number(match?.[2]);
    if (match?.[1] !== undefined && !names.has(id)) names.set(id, match[1]);
  }
  return names;
}
