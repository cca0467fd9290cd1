/** What GNU tar says while it extracts (LC_ALL=C, `--quoting-style=escape`), sorted by what it means. */

export type TarMessage =
  /** The entry is not there, or not with its content. */
  | { readonly kind: 'entry'; readonly path: string; readonly reason: string }
  /** The entry is there, without its owner, mode, time, ACL or an attribute. */
  | { readonly kind: 'attribute'; readonly message: string }
  /** Nothing more can be written. */
  | { readonly kind: 'full'; readonly path: string; readonly reason: string }
  /** tar itself is in trouble; the stream or the machine. */
  | { readonly kind: 'fatal'; readonly message: string }
  | { readonly kind: 'noise' };

/** Looked for in the reason only: names of files may say anything. */
const ATTRIBUTE = /^Cannot (change ownership|change mode|utime|set |acl_|lsetfilecon|setfilecon)/;
const FULL = /: (No space left on device|Disk quota exceeded)$/;
const NOISE = /^(Exiting with failure status|Error is not recoverable|Skipping to next header)/;

export function parseTarMessage(line: string): TarMessage {
  if (!line.startsWith('tar: ')) return line === '' ? { kind: 'noise' } : { kind: 'fatal', message: line };
  const text = line.slice('tar: '.length);
  if (NOISE.test(text)) return { kind: 'noise' };
  const [, path = '', reason = ''] = /^(.*?): (Cannot .*)$/.exec(text) ?? [];
  // First, for an attribute that the file system has no room for says the same as a full disk.
  if (ATTRIBUTE.test(reason)) return { kind: 'attribute', message: text };
  if (FULL.test(reason)) return { kind: 'full', path, reason };
  return reason === '' ? { kind: 'fatal', message: text } : { kind: 'entry', path, reason };
}

/** Lines of a stream of bytes; the last one may lack its newline. Longer ones than `limit` are cut. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, limit = 64 * 1024): AsyncGenerator<string, void, void> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = (lines.pop() ?? '').slice(0, limit);
    for (const line of lines) yield line;
  }
  if (rest !== '') yield rest;
}
