/** Files with patterns of paths to leave out, a line each, as restic reads them but without variables. */
import { isStillpointError, type StillpointError } from '../base/errors.ts';
import { compileExcludes } from '../domain/exclude-patterns.ts';
import { MAX_BYTES, readRegularFile } from './regular-file.ts';

/** By the path as it is written. */
export type ExcludeFiles = ReadonlyMap<string, ExcludeFile>;

type ExcludeFile = { readonly patterns: readonly PatternLine[] } | WrongFile;

interface WrongFile {
  readonly wrong: string;
  /** What to write instead, where it is a pattern that is wrong. */
  readonly advice?: string;
}

interface PatternLine {
  readonly pattern: string;
  /** For people: the line and its file. */
  readonly where: string;
}

/** @param document of the configuration, whatever else is wrong with it */
export async function readExcludeFiles(document: unknown, localPath: (path: string) => string): Promise<ExcludeFiles> {
  const files = new Map<string, ExcludeFile>();
  for (const name of namesIn(document)) if (!files.has(name)) files.set(name, await read(localPath(name)));
  return files;
}

function namesIn(document: unknown): readonly string[] {
  const sources = fieldOf(document, 'sources');
  if (typeof sources !== 'object' || sources === null) return [];
  return Object.values(sources)
    .flatMap((source) => fieldOf(source, 'excludeFiles'))
    .filter((name) => typeof name === 'string');
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

async function read(path: string): Promise<ExcludeFile> {
  let bytes: Buffer;
  try {
    bytes = await readRegularFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { wrong: code === 'ENOENT' ? `"${path}" is not there` : `"${path}" cannot be read (${code ?? message})` };
  }
  const text = bytes.toString('utf8');
  if (bytes.length > MAX_BYTES) return { wrong: `"${path}" is larger than 1 MiB` };
  if (!Buffer.from(text, 'utf8').equals(bytes)) return { wrong: `"${path}" is not UTF-8 text` };
  const patterns: PatternLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const wrong = patternProblem(line);
    const where = `line ${index + 1} of "${path}"`;
    if (wrong !== undefined) return { wrong: `${where}: ${wrong.message}`, advice: wrong.advice };
    patterns.push({ pattern: line, where });
  }
  return { patterns };
}

/** What makes it no pattern for files to leave out. */
export function patternProblem(pattern: string): StillpointError | undefined {
  try {
    compileExcludes([pattern]);
    return undefined;
  } catch (error) {
    if (!isStillpointError(error, 'config.invalid')) throw error;
    return error;
  }
}
