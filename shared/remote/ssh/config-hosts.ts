/**
 * The host names that a user's OpenSSH configuration offers, so that hosts need not be written down twice. Only plain
 * names can be offered; patterns and negations are rules, which a name may fit. What the names mean is asked from `ssh -G`, one by one.
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
  return [...new Set((await hostRules(files)).flat().filter(isPlainName))];
}

/** The patterns of each `Host` line. */
export async function hostRules(files: ConfigFiles): Promise<readonly (readonly string[])[]> {
  const rules: Rules = [];
  const userFolder = join(files.homeFolder, '.ssh');
  if (files.configFile !== undefined) {
    await collect(files.configFile, userFolder, rules, 0);
  } else {
    await collect(join(userFolder, 'config'), userFolder, rules, 0);
    await collect('/etc/ssh/ssh_config', '/etc/ssh', rules, 0);
  }
  return rules;
}

type Rules = (readonly string[])[];

async function collect(file: string, includeFolder: string, rules: Rules, depth: number): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const { keyword, words } = splitLine(line);
    if (keyword === 'host') rules.push(words);
    if (keyword === 'include' && depth < MAX_DEPTH) {
      for (const word of words) await collectIncluded(word, includeFolder, rules, depth);
    }
  }
}

async function collectIncluded(word: string, folder: string, rules: Rules, depth: number): Promise<void> {
  const path = word.startsWith('~/') ? join(folder, '..', word.slice(2)) : word;
  const pattern = isAbsolute(path) ? path : join(folder, path);
  const found = await Array.fromAsync(glob(pattern));
  for (const file of found.sort()) await collect(file, folder, rules, depth + 1);
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
