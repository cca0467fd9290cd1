/**
 * The configuration: hosts, repositories and sources, read from one JSONC file and turned into values that the rooms
 * above trust without looking again. It is read again for each act, written by nothing but a setup that a person said yes to, and never cached across acts,
 * so an edit counts from the next act on and a running job keeps what it started with.
 */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Environment } from '../base/environment.ts';
import { StillpointError } from '../base/errors.ts';
import { DEFAULT_MAX_CLOCK_SKEW_SECONDS } from '../domain/clock-skew.ts';
import {
  type HostName,
  hostName,
  type RepositoryName,
  repositoryName,
  type SourceName,
  sourceName,
} from '../domain/names.ts';
import { parseSize } from '../domain/size.ts';
import type { HostSpec, RepositorySpec, Source, SshHost } from '../domain/source.ts';
import { type Problem, parseDocument } from './document.ts';
import { dumpWish } from './dumps.ts';
import { type ExcludeFiles, readExcludeFiles } from './exclude-files.ts';
import { quiesceOf } from './quiesce.ts';
import { referenceProblems } from './references.ts';
import { MAX_BYTES, NotAFile, readRegularFile } from './regular-file.ts';
import { repositorySpec } from './repository-entry.ts';
import { configurationSchema, DEFAULT_LEASE_SECONDS, type SourceEntry } from './schema.ts';
import { shapeProblems } from './shape.ts';

export interface Configuration {
  /** Absolute. It need not be there when it is the standard place. */
  readonly file: string;
  readonly hosts: ReadonlyMap<HostName, HostSpec>;
  readonly repositories: ReadonlyMap<RepositoryName, RepositorySpec>;
  readonly sources: ReadonlyMap<SourceName, Source>;
  /** Whether assistants may log in to hosts that only the SSH configuration knows. */
  readonly assistantsMayUseSshHosts: boolean;
}

/** Which file it is, and whether the user named it: a file that was named has to exist. */
export interface ConfigPlace {
  readonly file: string;
  readonly named: boolean;
}

/**
 * Precedence: the file that the caller names, STILLPOINT_CONFIG, `config.jsonc` in the user's configuration folder. A
 * name may begin with `~/`: settings of an editor or of an assistant's client pass no shell, which would replace it.
 */
export function configPlace(option: string | undefined, environment: Environment): ConfigPlace {
  const named = option ?? environment.configFile;
  if (named !== undefined) return { file: resolveLocal(named, '', environment.home), named: true };
  return { file: join(environment.configHome, 'stillpoint', 'config.jsonc'), named: false };
}

/** Errors: `config.not-found`, `config.invalid` with every problem in `details.problems`. */
export async function loadConfiguration(place: ConfigPlace, home: string): Promise<Configuration> {
  const content = (await readConfigFile(place)) ?? '{}';
  const localPath = (path: string): string => resolveLocal(path, dirname(place.file), home);
  const files = await readExcludeFiles(parseDocument(content).value, localPath);
  return parseConfiguration(content, place.file, home, files);
}

export function parseConfiguration(
  content: string,
  file: string,
  home: string,
  excludeFiles: ExcludeFiles = new Map(),
): Configuration {
  const document = parseDocument(content);
  if (document.problems.length > 0) throw invalid(file, document.problems);
  const parsed = configurationSchema.safeParse(document.value, { reportInput: true });
  const problems = [
    ...(parsed.success ? [] : shapeProblems(document, parsed.error.issues)),
    ...referenceProblems(document, excludeFiles),
  ];
  if (!parsed.success || problems.length > 0) throw invalid(file, problems);
  const localPath = (path: string): string => resolveLocal(path, dirname(file), home);
  const { hosts = {}, repositories = {}, sources = {} } = parsed.data;
  const hostEntries = new Map(Object.entries(hosts));
  const sshHost = (name: string): SshHost => {
    const { ssh = name, sshConfigFile } = hostEntries.get(name) ?? {};
    return { name, ssh, sshConfigFile: sshConfigFile === undefined ? undefined : localPath(sshConfigFile) };
  };
  return {
    file,
    hosts: new Map(
      [...hostEntries].map(([name, entry]) => {
        const spec: HostSpec = {
          ...sshHost(name),
          name: hostName(name),
          sudo: entry.sudo ?? 'none',
          leaseSeconds: entry.leaseSeconds ?? DEFAULT_LEASE_SECONDS,
          maxClockSkewSeconds: entry.maxClockSkewSeconds ?? DEFAULT_MAX_CLOCK_SKEW_SECONDS,
          waitSeconds: entry.waitSeconds,
        };
        return [spec.name, spec];
      }),
    ),
    repositories: new Map(
      Object.entries(repositories).map(([name, entry]) => {
        const spec = repositorySpec(name, entry, localPath, sshHost);
        return [spec.name, spec];
      }),
    ),
    sources: new Map(
      Object.entries(sources).map(([name, entry]) => {
        const source: Source = {
          name: sourceName(name),
          host: hostName(entry.host),
          paths: pathsOf(entry),
          ...(entry.system === true ? { system: true } : {}),
          ...(entry.devices === undefined ? {} : { devices: entry.devices.map((path) => Buffer.from(path, 'utf8')) }),
          ...(entry.dumps === undefined ? {} : { dumps: entry.dumps.map(dumpWish) }),
          repository: repositoryName(entry.repository),
          exclude: [...(entry.exclude ?? []), ...patternsIn(entry.excludeFiles, excludeFiles)],
          ...leaveOutOf(entry),
          ...(entry.stop === undefined || entry.stop.length === 0 ? {} : { stop: entry.stop }),
          ...(entry.quiesce === undefined || entry.quiesce.length === 0 ? {} : { quiesce: quiesceOf(entry.quiesce) }),
          ...(entry.require === undefined ? {} : { require: entry.require }),
          ...(entry.withoutSnapshot === undefined ? {} : { withoutSnapshot: entry.withoutSnapshot }),
          ...(entry.keep === undefined ? {} : { keep: entry.keep }),
        };
        return [source.name, source];
      }),
    ),
    assistantsMayUseSshHosts: parsed.data.assistants?.sshHosts ?? false,
  };
}

function pathsOf({ system, paths = [] }: SourceEntry): readonly Buffer[] {
  const texts = system === true ? ['/'] : paths;
  return texts.map((path) => Buffer.from(path.length > 1 ? path.replace(/\/$/, '') : path, 'utf8'));
}

function patternsIn(names: readonly string[] = [], files: ExcludeFiles): readonly string[] {
  return names.flatMap((name) => {
    const file = files.get(name);
    return file !== undefined && 'patterns' in file ? file.patterns.map(({ pattern }) => pattern) : [];
  });
}

function leaveOutOf(entry: SourceEntry): Pick<Source, 'leaveOut'> {
  const {
    excludeCaches: caches = false,
    excludeIfPresent: ifPresent = [],
    excludeLargerThan,
    oneFileSystem = false,
  } = entry;
  const largerThanBytes = excludeLargerThan === undefined ? undefined : parseSize(excludeLargerThan);
  if (!caches && ifPresent.length === 0 && largerThanBytes === undefined && !oneFileSystem) return {};
  return { leaveOut: { caches, ifPresent, largerThanBytes, otherFileSystems: oneFileSystem } };
}

async function readConfigFile(place: ConfigPlace): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readRegularFile(place.file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && !place.named) return undefined;
    const why =
      code === 'ENOENT'
        ? 'is not there'
        : cause instanceof NotAFile
          ? `is ${cause.message}`
          : `cannot be read (${code ?? String(cause)})`;
    throw new StillpointError('config.not-found', `The configuration file "${place.file}" ${why}.`, {
      advice: `Name ${cause instanceof NotAFile ? 'a' : 'another'} file with --config, STILLPOINT_CONFIG or, in the editor, the setting "stillpoint.configFile"${insteadOf(cause)}.`,
      details: { file: place.file },
      cause,
    });
  }
  const text = bytes.toString('utf8');
  const advice = 'Write a text file in JSON with comments.';
  if (bytes.length > MAX_BYTES) {
    throw invalid(place.file, [{ line: 1, column: 1, path: '', message: 'It is larger than 1 MiB.', advice }]);
  }
  const until = lengthAsText(text, bytes);
  if (until < text.length) {
    const lines = text.slice(0, until).split(/\r\n|\n|\r/);
    const at = { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
    throw invalid(place.file, [{ ...at, path: '', message: 'It is not UTF-8 text.', advice }]);
  }
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function insteadOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'EACCES') return '; or make this one readable for the user who runs this';
  return code === 'ENOENT' ? '; or write this one' : '';
}

/** How much of `text` stands in `bytes` as it is; the rest begins with a byte that is no UTF-8. */
function lengthAsText(text: string, bytes: Buffer): number {
  if (Buffer.from(text, 'utf8').equals(bytes)) return text.length;
  let [length, offset] = [0, 0];
  for (const character of text) {
    const encoded = Buffer.from(character, 'utf8');
    if (!bytes.subarray(offset, offset + encoded.length).equals(encoded)) break;
    length += character.length;
    offset += encoded.length;
  }
  return length;
}

/** What is read again by every job has to be a file; a pipe would keep us waiting, and a device has no end. */
function resolveLocal(path: string, folder: string, home: string): string {
  if (path === '~' || path.startsWith('~/')) return resolve(home, path.slice(2));
  return isAbsolute(path) ? resolve(path) : resolve(folder, path);
}

function invalid(file: string, found: readonly Problem[]): StillpointError {
  const problems = found.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const lines = problems.map((problem) => {
    const path = problem.path === '' ? '' : `${problem.path}: `;
    return `  ${file}:${problem.line}:${problem.column}: ${path}${problem.message} ${problem.advice}`;
  });
  const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
  return new StillpointError('config.invalid', `The configuration has ${count}:\n${lines.join('\n')}`, {
    advice: 'Correct the file, then try again.',
    details: { file, problems },
    cause: undefined,
  });
}
