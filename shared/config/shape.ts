/** Turns what zod finds wrong with the shape of a document into problems that say what to write instead. */
import type { z } from 'zod';
import { nearest } from '../base/nearest.ts';
import type { ConfigDocument, Problem } from './document.ts';
import { DUMP_EXAMPLES, DUMP_WORDS, dumpKeys } from './dumps.ts';
import { keepSchema } from './keep.ts';
import { rightWords, type WordsOfList, wrongWord } from './list-words.ts';
import { QUIESCE_EXAMPLES, QUIESCE_KEYS, QUIESCE_WORDS } from './quiesce.ts';
import { assistantsSchema, hostSchema, repositorySchema, restSchema, s3Schema, sourceSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** What may stand in an object, by the depth of its place: the file, and the entries of the three tables. */
const TOP_KEYS = ['hosts', 'repositories', 'sources', 'assistants'] as const;
const ENTRY_KEYS: Readonly<Record<string, readonly string[]>> = {
  hosts: Object.keys(hostSchema.shape),
  repositories: Object.keys(repositorySchema.shape),
  sources: Object.keys(sourceSchema.shape),
};

/** What may stand in the objects inside an entry. */
const INNER_KEYS: Readonly<Record<string, readonly string[]>> = {
  assistants: Object.keys(assistantsSchema.shape),
  s3: Object.keys(s3Schema.shape),
  keep: Object.keys(keepSchema.shape),
  rest: Object.keys(restSchema.shape),
  quiesce: QUIESCE_KEYS,
};

/** An example of each value, because an example says more than the name of a type. */
const EXAMPLES: Readonly<Record<string, string>> = {
  hosts: '"hosts": {"db1": {"ssh": "db1"}}',
  repositories: '"repositories": {"main": {"location": "/srv/backup"}}',
  sources: '"sources": {"shop": {"host": "db1", "paths": ["/srv/files"], "repository": "main"}}',
  assistants: '"assistants": {"sshHosts": true}',
  sshHosts: '"sshHosts": true',
  ssh: '"ssh": "db1"',
  sshConfigFile: '"sshConfigFile": "~/.ssh/work-config"',
  leaseSeconds: '"leaseSeconds": 1800',
  maxClockSkewSeconds: '"maxClockSkewSeconds": 86400',
  waitSeconds: '"waitSeconds": 600',
  location: '"location": "/srv/backup"',
  passwordFile: '"passwordFile": "~/.config/stillpoint/main.password"',
  passwordCommand: '"passwordCommand": ["pass", "show", "backup"]',
  limitUploadKiB: '"limitUploadKiB": 2048',
  limitDownloadKiB: '"limitDownloadKiB": 2048',
  connections: '"connections": 5',
  cacheMiB: '"cacheMiB": 256',
  caCertificateFile: '"caCertificateFile": "store-ca.pem"',
  s3: '"s3": {"accessKeyId": "backup", "secretKeyFile": "~/.config/stillpoint/store.key"}',
  region: '"region": "eu-central-1"',
  accessKeyId: '"accessKeyId": "backup"',
  secretKeyFile: '"secretKeyFile": "~/.config/stillpoint/store.key"',
  secretKeyCommand: '"secretKeyCommand": ["pass", "show", "store"]',
  profile: '"profile": "backup"',
  rest: '"rest": {"user": "backup", "passwordFile": "~/.config/stillpoint/server.password"}',
  user: '"user": "backup"',
  host: '"host": "db1"',
  paths: '"paths": ["/var/lib/mysql", "/srv/files"]',
  devices: '"devices": ["/dev/data/vm"]',
  system: '"system": true',
  repository: '"repository": "main"',
  exclude: '"exclude": ["*.tmp"]',
  excludeFiles: '"excludeFiles": ["~/.config/stillpoint/leave-out"]',
  excludeCaches: '"excludeCaches": true',
  excludeIfPresent: '"excludeIfPresent": [".nobackup"]',
  excludeLargerThan: '"excludeLargerThan": "500M"',
  oneFileSystem: '"oneFileSystem": true',
  stop: '"stop": ["shop", "mariadb"]',
  quiesce: '"quiesce": ["mariadb"]',
  require: '"require": "application"',
  withoutSnapshot: '"withoutSnapshot": "read-live"',
  keep: '"keep": {"daily": 7, "weekly": 5, "monthly": 12}',
  within: '"within": "7d"',
  tags: '"tags": [["release"]]',
  ...DUMP_EXAMPLES,
};

export function shapeProblems(document: ConfigDocument, issues: readonly Issue[]): Problem[] {
  return issues.flatMap(theOneThatIsMeant).flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(path, issue.input);
      return issue.keys.map((key) =>
        document.problem(
          [...path, key],
          'key',
          'This key is not known.',
          isOfSsh(path, key) ? SSH_ADVICE : instead(key, known),
        ),
      );
    }
    return [document.problem(path, 'value', whatIsWrong(issue, path), example(issue, path))];
  });
}

const SSH_ADVICE = 'Write it into your SSH configuration, and here the name of its "Host" as "ssh".';
const SSH_KEYS: ReadonlySet<string> = new Set(['hostname', 'address', 'user', 'port', 'identityfile', 'proxyjump']);

/** What people look for in a host's entry, and the SSH configuration has. */
function isOfSsh(path: readonly (string | number)[], key: string): boolean {
  return path.length === 2 && path[0] === 'hosts' && SSH_KEYS.has(key.toLowerCase());
}

/** Lists whose entries may be a word or an object. */
const LISTS_OF_SHAPES: ReadonlyMap<string, WordsOfList> = new Map([
  ['dumps', DUMP_WORDS],
  ['quiesce', QUIESCE_WORDS],
]);

/** What is wrong with an entry that may have several shapes is wrong with the one that it is like. */
function theOneThatIsMeant(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union' || !LISTS_OF_SHAPES.has(String(issue.path.at(-2))) || issue.errors.length < 2)
    return [issue];
  const [ofText = [], ofObject = []] = issue.errors;
  const meant = typeof issue.input === 'object' ? ofObject : ofText;
  return meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function keysAt(path: readonly (string | number)[], input: unknown): readonly string[] {
  if (path.at(-2) === 'dumps') return dumpKeys((input as { readonly of?: unknown } | undefined)?.of);
  if (path.length === 0) return TOP_KEYS;
  if (path.length === 1) return INNER_KEYS[String(path[0])] ?? [];
  if (path.length === 2) return ENTRY_KEYS[String(path[0])] ?? [];
  // Of an entry of a list the name of the list counts.
  return INNER_KEYS[String(path.findLast((part) => typeof part === 'string'))] ?? [];
}

function instead(key: string, known: readonly string[]): string {
  const guess = nearest(key, known);
  if (guess !== undefined) return `Write "${guess}", or remove it.`;
  if (key === 'password' && known.includes('passwordFile'))
    return 'Passwords do not stand in the configuration: remove it, and write "passwordFile" or "passwordCommand".';
  return `Remove it; known here: ${known.map((name) => `"${name}"`).join(', ')}.`;
}

function whatIsWrong(issue: Issue, path: readonly (string | number)[]): string {
  if (issue.code === 'invalid_union' && path[2] === 'dumps') return 'This is nothing that is known here.';
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return `The key "${String(path.at(-1))}" is missing.`;
    if (typeof issue.input === 'number' && !Number.isFinite(issue.input))
      return 'This is a number that is far too large.';
    return `This is ${article(issue.input)} where ${EXPECTED[issue.expected] ?? issue.expected} is needed.`;
  }
  const words = LISTS_OF_SHAPES.get(String(path.at(-2)));
  if (issue.code === 'invalid_value' && words !== undefined) return wrongWord(words, issue.input);
  if (issue.code === 'invalid_value') return `The value ${JSON.stringify(issue.input)} is not one that is known here.`;
  if (issue.code === 'too_small' && issue.origin === 'array') return 'The list is empty.';
  if (issue.code === 'too_small' && issue.origin === 'string') return 'The text is empty.';
  if (issue.code === 'too_small') return `${JSON.stringify(issue.input)} is less than ${issue.minimum}.`;
  if (issue.code === 'too_big') return `${JSON.stringify(issue.input)} is more than ${issue.maximum}.`;
  return issue.message;
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function article(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'boolean' ? 'true or false' : 'a number';
}

function example(issue: Issue, path: readonly (string | number)[]): string {
  const words = LISTS_OF_SHAPES.get(String(path.at(-2)));
  if (issue.code === 'invalid_value' && words !== undefined) return rightWords(words);
  if (issue.code === 'invalid_value') {
    return `Write one of ${issue.values.map((value) => `"${String(value)}"`).join(', ')}.`;
  }
  if (path.length === 0) return 'Write an object, such as {"hosts": {}, "repositories": {}, "sources": {}}.';
  const key = path.findLast((part) => typeof part === 'string') ?? '';
  const entry = path.length === 2 ? ENTRY_KEYS[String(path[0])] : undefined;
  if (entry !== undefined) return `Write an object as in ${EXAMPLES[String(path[0])]}.`;
  const own = path.includes('quiesce') ? QUIESCE_EXAMPLES[key] : undefined;
  return `Write it as in ${own ?? EXAMPLES[key] ?? EXAMPLES[String(path.at(-2))] ?? EXAMPLES[String(path[0])]}.`;
}
