/**
 * Asking a host for the layout of its disks: what a person needs who stands before an empty machine. Programs that only
 * read are run one after the other, and what each prints is taken as bytes and understood by nobody of us.
 *
 * Invariants. Nothing on the host is changed, but for a private folder that goes with the script. Each answer is bounded in
 * time and in size. What a program could not tell is a loss that is named, and never a file that looks like an answer.
 */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { LayoutPart } from '../../snapshot/layout-part.ts';
import type { Registry } from '../../snapshot/registry.ts';
import { CORE_PARTS } from './core-parts.ts';

export interface Layout {
  readonly files: readonly GatheredFile[];
  readonly losses: readonly LayoutLoss[];
}

interface GatheredFile {
  /** `folder/name`, or a name. */
  readonly name: string;
  readonly content: Buffer;
}

interface LayoutLoss {
  readonly name: string;
  readonly reason: string;
}

/** The parts of all, each once: storages of several providers share one. */
export const layoutParts = ({ providers }: Registry): readonly LayoutPart[] => [
  ...CORE_PARTS,
  ...new Set(providers.flatMap(({ layout }) => (layout === undefined ? [] : [layout]))),
];

/** Of one file. A package list of ten thousand lines has a twentieth of it. */
export const MOST_BYTES = 4 * 1024 * 1024;
/** A program that waits for a disk which does not answer. */
const SECONDS = 60;
/** More are not taken from a host, whatever it has. */
const MOST_FILES = 1000;

/** A record: name NUL, exit code or "missing" NUL, size NUL, what was said NUL, and so many bytes. */
const FUNCTIONS = `
sp_missing() { printf '%s\\0missing\\0000\\0%s\\0' "$1" "$2"; }
sp_file() {
  sp_name=$1
  shift
  if ! command -v "$1" >/dev/null 2>&1; then sp_missing "$sp_name" "$1"; return 0; fi
  {
    timeout ${SECONDS} "$@" 2> "$work/said" </dev/null
    echo "$?" > "$work/code"
  } | head -c ${MOST_BYTES + 1} > "$work/content"
  read -r sp_code < "$work/code"
  sp_size=$(wc -c < "$work/content")
  printf '%s\\0%s\\0%s\\0' "$sp_name" "$sp_code" "$((sp_size))"
  head -c 500 "$work/said" | tr '\\0\\n' '  '
  printf '\\0'
  cat "$work/content"
}`;

export function gatherLayout(parts: readonly LayoutPart[]): RemoteCommand<Layout> {
  const script: RemoteScript = {
    name: 'gather-layout',
    script: `${FUNCTIONS}
${parts.map(({ script: body }, index) => `sp_part_${index + 1}() {\n${body}\n}`).join('\n')}
work=$(mktemp -d "\${TMPDIR:-/tmp}/stillpoint.XXXXXX") || exit 1
# A client that gives up must not leave the folder behind.
trap '' PIPE
trap : HUP INT TERM
${parts.map((_, index) => `( sp_part_${index + 1} )`).join('\n')}
rm -rf "$work"
exit 0`,
    args: [],
    needs: 'either',
  };
  return {
    ...script,
    budgetMs: 600_000,
    repeatable: true,
    parse: ({ stdout }) => parseLayout(stdout, script),
  };
}

function parseLayout(output: Buffer, script: RemoteScript): Layout {
  const files = new Map<string, Buffer>();
  const losses: LayoutLoss[] = [];
  let at = 0;
  const field = (): string => {
    const end = output.indexOf(0, at);
    if (end < 0) throw unreadableOutput(script, 'a record is cut', output.toString('latin1', at, at + 200));
    const text = output.toString('utf8', at, end);
    at = end + 1;
    return text;
  };
  while (at < output.length) {
    const [name, status, size, said] = [field(), field(), field(), field()];
    if (!/^\d{1,9}$/.test(size)) throw unreadableOutput(script, 'a size is no number', size);
    const content = output.subarray(at, at + Number(size));
    at += Number(size);
    if (at > output.length) throw unreadableOutput(script, 'a file is cut', name);
    const reason = isName(name) ? whyLost(status, content.length, said) : 'its name cannot be that of a file';
    if (reason === undefined && files.size < MOST_FILES) files.set(name, Buffer.from(content));
    else losses.push({ name, reason: reason ?? `there are more than ${MOST_FILES} files` });
  }
  return { files: [...files].map(([name, content]) => ({ name, content })), losses: losses.slice(0, MOST_FILES) };
}

/** Names of devices and of what people have named are in it. */
const isName = (name: string): boolean =>
  /^([\w+.:@!-]{1,200}\/)?[\w+.:@!-]{1,200}$/.test(name) && !name.split('/').some((part) => /^\.{1,2}$/.test(part));

function whyLost(status: string, size: number, said: string): string | undefined {
  if (status === 'missing') return `the host does not have ${said}`;
  if (size > MOST_BYTES) return `it has more than ${MOST_BYTES} bytes`;
  if (status === '0') return undefined;
  const words = said.trim();
  if (status === '124') return `its program did not end within ${SECONDS} s`;
  return `its program ended with ${status}${words === '' ? '' : `: ${words}`}`;
}
