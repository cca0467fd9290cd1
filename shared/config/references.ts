/**
 * What the shape cannot say: whether names are names, whether they refer to something, and whether paths are paths.
 * Looks at every value whose own shape is right, whatever is wrong beside it, so that a person sees all mistakes at once.
 */
import type { z } from 'zod';
import { isStillpointError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { compileExcludes } from '../domain/exclude-patterns.ts';
import { hostName } from '../domain/names.ts';
import { wordOfShell } from '../domain/shell-words.ts';
import { parseSize } from '../domain/size.ts';
import type { ConfigDocument, DocumentPath, Problem } from './document.ts';
import { dumpProblems } from './dumps.ts';
import { type ExcludeFiles, patternProblem } from './exclude-files.ts';
import { keepProblems, keepSchema } from './keep.ts';
import { quiesceProblems } from './quiesce.ts';
import { repositoryProblems } from './repository-entry.ts';
import { hostSchema, repositorySchema, type SourceEntry, sourceSchema } from './schema.ts';

const TABLES = ['hosts', 'repositories', 'sources'] as const;

export function referenceProblems(document: ConfigDocument, excludeFiles: ExcludeFiles): Problem[] {
  const problems: Problem[] = [];
  const report = (path: DocumentPath, at: 'key' | 'value', message: string, advice: string): void => {
    problems.push(document.problem(path, at, message, advice));
  };
  for (const table of TABLES) {
    for (const name of Object.keys(entriesOf(document, table))) {
      if (!isName(name)) report([table, name], 'key', `"${name}" cannot be used as a name.`, NAME_ADVICE);
    }
  }
  for (const [name, raw] of Object.entries(entriesOf(document, 'hosts'))) {
    const host = goodParts(hostSchema, raw);
    if (host.ssh !== undefined && !isSshName(host.ssh)) {
      report(['hosts', name, 'ssh'], 'value', `"${host.ssh}" cannot be the name of an SSH host.`, SSH_NAME_ADVICE);
    }
    shellWords([[['hosts', name, 'sshConfigFile'], host.sshConfigFile]], report);
  }
  for (const [name, raw] of Object.entries(entriesOf(document, 'repositories'))) {
    const entry = goodParts(repositorySchema, raw);
    for (const { path, at, message, advice } of repositoryProblems(entry)) {
      report(['repositories', name, ...path], at, message, advice);
    }
    const within = ['repositories', name];
    const { passwordFile, caCertificateFile, s3, rest } = entry;
    shellWords(
      [
        [[...within, 'passwordFile'], passwordFile],
        [[...within, 'caCertificateFile'], caCertificateFile],
        [[...within, 's3', 'secretKeyFile'], s3?.secretKeyFile],
        [[...within, 'rest', 'passwordFile'], rest?.passwordFile],
      ],
      report,
    );
  }
  for (const [name, raw] of Object.entries(entriesOf(document, 'sources'))) {
    const { keep, ...source } = goodParts(sourceSchema, raw);
    contentProblems(name, raw, source, report);
    sourceProblems(document, name, source, report);
    otherProblems(name, source, excludeFiles, report);
    const rules = keep ?? goodParts(keepSchema, (raw as { keep?: unknown } | null)?.keep);
    for (const { path, message, advice } of keepProblems(rules, keep !== undefined)) {
      report(['sources', name, 'keep', ...path], 'value', message, advice);
    }
  }
  return problems;
}

/** Files of this machine that begin with what a shell would replace: no such file is meant. */
function shellWords(files: readonly (readonly [DocumentPath, string | undefined])[], report: Report): void {
  for (const [path, file] of files) {
    const word = file === undefined ? undefined : wordOfShell(file);
    if (word === undefined) continue;
    const rest = file?.slice(word.length).replace(/^\/+/, '') ?? '';
    const home = rest === '' ? '' : `"~/${rest}" for what is in your home folder, or `;
    const advice = `Write ${home}the whole path; for a name that begins so, "./${word}".`;
    report(path, 'value', `It begins with "${word}", which no shell reads here.`, advice);
  }
}

/** The values of an entry whose own shape is right. */
function goodParts<S extends z.ZodObject>(schema: S, raw: unknown): Partial<z.infer<S>> {
  if (typeof raw !== 'object' || raw === null) return {};
  const parts: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(schema.shape)) {
    const parsed = (field as z.ZodType).safeParse((raw as Record<string, unknown>)[key]);
    if (parsed.success && parsed.data !== undefined) parts[key] = parsed.data;
  }
  return parts as Partial<z.infer<S>>;
}

type Report = (path: DocumentPath, at: 'key' | 'value', message: string, advice: string) => void;

const NAME_ADVICE = 'Use letters, digits and . _ @ : - and begin with a letter or digit; at most 128 characters.';
const SSH_NAME_ADVICE = 'Write the name as after "ssh" on the command line: no spaces, and no "-" at the beginning.';

function sourceProblems(document: ConfigDocument, name: string, source: Partial<SourceEntry>, report: Report): void {
  const repositories = Object.keys(entriesOf(document, 'repositories'));
  if (source.repository !== undefined && !repositories.includes(source.repository)) {
    const guess = nearest(source.repository, repositories);
    report(
      ['sources', name, 'repository'],
      'value',
      `There is no repository "${source.repository}" in this file.`,
      guess === undefined
        ? `Write it into "repositories", as in "repositories": {"${source.repository}": {"location": "/srv/backup"}}.`
        : `Write "${guess}", or add "${source.repository}" to "repositories".`,
    );
  }
  // Any name may be one of the SSH configuration, which this file does not show; whether it is, is seen on connecting.
  if (source.host !== undefined && !isName(source.host)) {
    report(['sources', name, 'host'], 'value', `"${source.host}" cannot be the name of a host.`, NAME_ADVICE);
  }
  const { exclude = [] } = source;
  const paths = source.system === true ? ['/'] : (source.paths ?? []);
  const plain = paths.map((path) => (pathProblem(path) === undefined ? path : undefined));
  for (const [index, path] of paths.entries()) {
    const wrong = pathProblem(path) ?? overlap(path, plain.slice(0, index));
    if (wrong !== undefined) report(['sources', name, 'paths', index], 'value', wrong.message, wrong.advice);
  }
  for (const [index, pattern] of exclude.entries()) {
    const wrong = patternProblem(pattern);
    const found = wrong ?? leavesOut(pattern, plain);
    if (found !== undefined) report(['sources', name, 'exclude', index], 'value', found.message, found.advice);
  }
}

/** What is backed up must be said, and once. */
function contentProblems(name: string, raw: unknown, source: Partial<SourceEntry>, report: Report): void {
  const at = ['sources', name];
  if (typeof raw !== 'object' || raw === null) return;
  const { devices = [] } = source;
  for (const [index, device] of devices.entries()) {
    const wrong = pathProblem(device) ?? (devices.indexOf(device) < index ? TWICE(device) : NO_DEVICE(device));
    if (wrong !== undefined) report([...at, 'devices', index], 'value', wrong.message, wrong.advice);
  }
  for (const { path, message, advice } of dumpProblems('dumps' in raw ? raw.dumps : [], pathProblem))
    report([...at, 'dumps', ...path], 'value', message, advice);
  if (source.system !== true) {
    if (!('paths' in raw || 'devices' in raw || 'dumps' in raw))
      report(
        at,
        'key',
        'It does not say what is backed up.',
        'Write "paths": ["/srv/files"], "devices": ["/dev/data/vm"], "dumps": ["postgresql"], or "system": true for all of it.',
      );
    return;
  }
  if ('paths' in raw)
    report(
      [...at, 'paths'],
      'key',
      'The whole system has all paths.',
      'Keep one of "system" and "paths"; "exclude" says what is not wanted.',
    );
  if (source.oneFileSystem === true)
    report(
      [...at, 'oneFileSystem'],
      'value',
      'The whole system lies on several file systems.',
      'Remove "oneFileSystem", or write "paths": ["/"] in the place of "system".',
    );
}

const TWICE = (path: string) => ({
  message: `${JSON.stringify(path)} is written twice.`,
  advice: 'Keep one of the two.',
});

/** The others would be found out on the host. */
const NO_DEVICE = (path: string) =>
  /^\/dev\/.*[^/]$/.test(path)
    ? undefined
    : {
        message: `${JSON.stringify(path)} is not the path of a device.`,
        advice: 'Write it as in "/dev/data/vm"; files and folders belong into "paths".',
      };

/** What is left out by other means than patterns of the configuration, and what is stopped or held still. */
function otherProblems(
  name: string,
  {
    paths = [],
    stop = [],
    quiesce = [],
    excludeFiles = [],
    excludeIfPresent = [],
    excludeLargerThan,
  }: Partial<SourceEntry>,
  files: ExcludeFiles,
  report: Report,
): void {
  const plain = paths.filter((path) => pathProblem(path) === undefined);
  for (const [index, written] of excludeFiles.entries()) {
    const file = files.get(written);
    const at = ['sources', name, 'excludeFiles', index];
    shellWords([[at, written]], report);
    if (file !== undefined && 'wrong' in file && wordOfShell(written) === undefined)
      report(at, 'value', `${sentence(file.wrong)}.`, file.advice ?? FILE_ADVICE);
    for (const { pattern, where } of file !== undefined && 'patterns' in file ? file.patterns : []) {
      const found = leavesOut(pattern, plain);
      if (found !== undefined) report(at, 'value', `${sentence(where)}: ${found.message}`, found.advice);
    }
  }
  for (const [index, entry] of excludeIfPresent.entries()) {
    if (/^\.{0,2}$|[/\0]/.test(entry)) {
      report(
        ['sources', name, 'excludeIfPresent', index],
        'value',
        `${JSON.stringify(entry)} is not the name of a file.`,
        'Write a name without folders and patterns, such as ".nobackup".',
      );
    }
  }
  for (const [index, service] of stop.entries()) {
    const at = ['sources', name, 'stop', index];
    if (!/^[A-Za-z0-9][A-Za-z0-9+_.:@-]{0,199}$/.test(service) || /^(compose|container):$/.test(service)) {
      const advice =
        'Write it as after "systemctl stop", such as "mariadb", or as "compose:PROJECT" or "container:NAME" for containers.';
      report(at, 'value', `${JSON.stringify(service)} cannot be the name of a service here.`, advice);
    } else if (stop.some((other, before) => before < index && unitOf(other) === unitOf(service))) {
      report(at, 'value', `The service ${JSON.stringify(service)} is written twice.`, 'Keep one of the two.');
    }
  }
  for (const { path, at, message, advice } of quiesceProblems(quiesce))
    report(['sources', name, 'quiesce', ...path], at, message, advice);
  try {
    if (excludeLargerThan !== undefined && parseSize(excludeLargerThan) === 0) {
      const advice = 'Remove it where files of any size are to be saved.';
      report(['sources', name, 'excludeLargerThan'], 'value', 'Only empty files would be saved.', advice);
    }
  } catch (error) {
    if (!isStillpointError(error, 'usage.invalid')) throw error;
    report(['sources', name, 'excludeLargerThan'], 'value', error.message, error.advice ?? '');
  }
}

const unitOf = (service: string): string => service.replace(/\.service$/, '');

const FILE_ADVICE =
  'Write a file of this machine with one pattern a line; it may begin with "~/" or be relative to this file.';

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/\.$/, '');

/** A backup would save nothing of the path. Where links lead, only the host knows; a backup looks again there. */
function leavesOut(
  pattern: string,
  paths: readonly (string | undefined)[],
): { message: string; advice: string } | undefined {
  const excludes = compileExcludes([pattern]);
  const left = paths.find(
    (path) => path !== undefined && wayTo(path).some((step) => excludes.matches(Buffer.from(step))),
  );
  if (left === undefined) return undefined;
  return {
    message: `${JSON.stringify(pattern)} leaves out all of ${JSON.stringify(left)}, a path of this source.`,
    advice:
      'Write a narrower pattern, or take the path out of "paths"; one that does not begin with "/" may match any folder, also one on the way to the path.',
  };
}

/** "/a/b" → "/a", "/a/b" */
function wayTo(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}

/** `/` is one; a trailing slash is forgiven. */
function pathProblem(path: string): { message: string; advice: string } | undefined {
  const shown = JSON.stringify(path);
  if (!path.startsWith('/')) {
    return { message: `${shown} is not an absolute path.`, advice: 'Write the whole path, beginning with "/".' };
  }
  if (path.includes('\0') || !path.isWellFormed()) {
    return { message: `${shown} cannot be a path.`, advice: 'Remove the NUL character or the half of a character.' };
  }
  const parts = path.replace(/\/$/, '').split('/').slice(1);
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    const advice = 'Write the path as it is, without "//", "/./" and "/../".';
    return { message: `${shown} is not a plain path.`, advice };
  }
  return undefined;
}

function overlap(
  path: string,
  earlier: readonly (string | undefined)[],
): { message: string; advice: string } | undefined {
  const own = withSlash(path);
  for (const other of earlier) {
    if (other === undefined) continue;
    if (withSlash(other) === own) {
      return { message: `${JSON.stringify(path)} is written twice.`, advice: 'Keep one of the two.' };
    }
    if (own.startsWith(withSlash(other)) || withSlash(other).startsWith(own)) {
      const [inner, outer] = own.length > withSlash(other).length ? [path, other] : [other, path];
      const message = `${JSON.stringify(inner)} lies inside ${JSON.stringify(outer)} and would be backed up twice.`;
      return { message, advice: `Keep ${JSON.stringify(outer)} alone, or write folders beside each other.` };
    }
  }
  return undefined;
}

const withSlash = (path: string): string => (path.endsWith('/') ? path : `${path}/`);

/** A table's entries as they were written, empty when the table has no right shape. */
function entriesOf(document: ConfigDocument, table: (typeof TABLES)[number]): Readonly<Record<string, unknown>> {
  const value = (document.value as Readonly<Record<string, unknown>> | null)?.[table];
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function isName(value: string): boolean {
  try {
    hostName(value);
    return true;
  } catch {
    return false;
  }
}

const isSshName = (value: string): boolean =>
  /^[^\s-]\S*$/.test(value) && value.isWellFormed() && !value.includes('\0');
