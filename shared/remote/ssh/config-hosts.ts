/**
 * The host names that a user's OpenSSH configuration offers, so that hosts need not be written down twice. Only plain
 * names count; patterns and negations are rules, not hosts. What the names mean is asked from `ssh -G`, one by one.
 */
import { glob, readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

export interface ConfigFiles {
  /** Instead of the user's and the system's file. */
  readonly configFile?: string;
  readonly homeFolder: string;
}

/** OpenSSH's own limit for files that include files. */
const MAX_DEPTH = 16;

/** In the order of the files, each once. A file that is not there or cannot be read offers nothing. */
export async function hostNames(files: ConfigFiles): Promise<string[]> {
  const names = new Set<string>();
  const userFolder = join(files.homeFolder, '.ssh');
  if (files.configFile !== undefined) {
    await collect(files.configFile, userFolder, names, 0);
  } else {
    await collect(join(userFolder, 'config'), userFolder, names, 0);
    await collect('/etc/ssh/ssh_config', '/etc/ssh', names, 0);
  }
  return [...names];
}

async function collect(file: string, includeFolder: string, names: Set<string>, depth: number): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const { keyword, words } = splitLine(line);
    if (keyword === 'host') for (const word of words) if (isPlainName(word)) names.add(word);
    if (keyword === 'include' && depth < MAX_DEPTH) {
      for (const word of words) await collectIncluded(word, includeFolder, names, depth);
    }
  }
}

async function collectIncluded(word: string, folder: string, names: Set<string>, depth: number): Promise<void> {
  const path = word.startsWith('~/') ? join(folder, '..', word.slice(2)) : word;
  const pattern = isAbsolute(path) ? path : join(folder, path);
  const found = await Array.fromAsync(glob(pattern));
  for (const file of found.sort()) await collect(file, folder, names, depth + 1);
}

function isPlainName(word: string): boolean {
  return word !== '' && !/[*?!]/.test(word);
}

/** `Keyword value value`, `Keyword=value`, words in double quotes, a comment behind `#`. */
function splitLine(line: string): { keyword: string; words: string[] } {
  const match = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*)$/.exec(line);
  if (match === null) return { keyword: '', words: [] };
  const words: string[] = [];
  for (const [, quoted, plain] of (match[2] ?? '').matchAll(/"([^"]*)"|(\S+)/g)) {
    if (plain?.startsWith('#')) break;
    words.push(quoted ?? plain ?? '');
  }
  return { keyword: (match[1] ?? '').toLowerCase(), words };
}
