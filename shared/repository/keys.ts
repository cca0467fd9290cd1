/**
 * The keys of a repository: one small file for each password, and in each the same master key. Adding or removing a
 * password therefore touches nothing else, and data is never encrypted anew. A person who once had the master key keeps
 * it: removing a key shuts out a password, not a copy of the key.
 *
 * Crash story. A change adds the new key, reads it back, opens it with the new password, and only then removes the old
 * one; dying in between leaves both. Removing takes the exclusive lock, because two who remove each other's key at the
 * same time would leave none. The key in use is never removed, so one that is known to open always remains.
 */
import { hash } from 'node:crypto';
import { hostname } from 'node:os';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { Finding } from '../domain/finding.ts';
import type { RepositoryKey } from '../domain/repository-access.ts';
import { DEFAULT_KEY_COST, effortOf, type KeyCost } from './crypto/kdf.ts';
import { isKeyFault } from './find-key.ts';
import { decodeKeyFile, encodeKeyFile, openMasterKey, sealMasterKey } from './format/key-file.ts';
import { userName } from './locks/held-lock.ts';
import type { OpenedRepository } from './opened-repository.ts';
import { timestampFromDate, timestampToDate } from './timestamp.ts';

/** restic tries no more than this many when it opens a repository. */
const MAX_KEYS = 20;

export interface KeyList {
  /** Oldest first. */
  readonly keys: readonly RepositoryKey[];
  /** Key files that cannot be read; they open nothing. */
  readonly findings: readonly Finding[];
}

export interface NewKeyOptions {
  /** For tests; the default is that of the key in use, and never less than what a new repository gets. */
  readonly keyCost?: KeyCost;
}

/** Several keys of one password are possible; each is listed. */
export async function listKeys(repository: OpenedRepository, signal: AbortSignal): Promise<KeyList> {
  const { files, parts } = repository;
  const keys: RepositoryKey[] = [];
  const findings: Finding[] = [];
  for (const name of await files.listNames('keys', signal)) {
    try {
      const content = await files.backend.load({ type: 'keys', name }, undefined, signal);
      const { created, username, hostname: host } = decodeKeyFile(content, `key ${name.slice(0, 8)}`);
      const facts = { username, hostname: host, created: timestampToDate(created).toISOString() };
      keys.push({ id: name, ...facts, inUse: name === parts.keyName });
    } catch (error) {
      signal.throwIfAborted();
      // Removed by another process since it was listed.
      if (isStillpointError(error, 'backend.not-found')) continue;
      if (!isKeyFault(error)) throw error;
      findings.push({ severity: 'damage', message: error.message, affects: [name] });
    }
  }
  keys.sort((left, right) => Date.parse(left.created) - Date.parse(right.created) || (left.id < right.id ? -1 : 1));
  return { keys, findings };
}

/** One more password. The result is the new key's id; it was read back and opened before this resolves. */
export async function addKey(
  repository: OpenedRepository,
  password: string,
  signal: AbortSignal,
  options: NewKeyOptions = {},
): Promise<string> {
  await using lock = await repository.lock('shared', signal);
  await refuseTooMany(repository, MAX_KEYS - 1, signal);
  return await saveKey(repository, password, options, AbortSignal.any([signal, lock.signal]));
}

/** Another password instead of the one in use. The repository stays open; the result is the new key's id. */
export async function changeKey(
  repository: OpenedRepository,
  password: string,
  signal: AbortSignal,
  options: NewKeyOptions = {},
): Promise<{ readonly added: string; readonly removed: string }> {
  await using lock = await repository.lock('exclusive', signal);
  const held = AbortSignal.any([signal, lock.signal]);
  await refuseTooMany(repository, MAX_KEYS, held);
  const removed = repository.parts.keyName;
  const added = await saveKey(repository, password, options, held);
  lock.assertHeld();
  repository.parts.keyName = added;
  await repository.files.backend.remove({ type: 'keys', name: removed }, held);
  return { added, removed };
}

/** Errors: `repository.unknown-key`, `repository.key-in-use`. `wanted` is an id or the start of one. */
export async function removeKey(repository: OpenedRepository, wanted: string, signal: AbortSignal): Promise<string> {
  await using lock = await repository.lock('exclusive', signal);
  const held = AbortSignal.any([signal, lock.signal]);
  const { files, parts } = repository;
  const names = await files.listNames('keys', held);
  const name = chooseKey(names, wanted, repository.title);
  if (name === parts.keyName) throw keyInUse(name, repository.title, names.length);
  // The one in use is what will open the repository afterwards; without it in place nothing is removed.
  const [own] = names.filter((other) => other === parts.keyName);
  if (own === undefined) throw keyGone(parts.keyName, repository.title);
  lock.assertHeld();
  await files.backend.remove({ type: 'keys', name }, held);
  return name;
}

/** A further key would be one that restic never tries. */
async function refuseTooMany({ files, title }: OpenedRepository, most: number, signal: AbortSignal): Promise<void> {
  const { length } = await files.listNames('keys', signal);
  if (length <= most) return;
  throw new StillpointError('usage.invalid', `The ${title} has ${length} keys already.`, {
    advice: `Remove one first: restic tries no more than ${MAX_KEYS} when it opens a repository.`,
    cause: undefined,
  });
}

async function saveKey(
  repository: OpenedRepository,
  password: string,
  options: NewKeyOptions,
  signal: AbortSignal,
): Promise<string> {
  if (password === '') {
    throw new StillpointError('usage.invalid', 'The new password is empty.', {
      advice: 'Choose a password and keep a copy of it elsewhere.',
      cause: undefined,
    });
  }
  const { files, parts } = repository;
  const owner = { created: timestampFromDate(parts.clock.now()), username: userName(), hostname: hostname() };
  const keyCost = options.keyCost ?? (await usualCost(repository, signal));
  const content = encodeKeyFile(await sealMasterKey(parts.key, password, keyCost, owner));
  const name = hash('sha256', content, 'hex');
  const file = { type: 'keys', name } as const;
  signal.throwIfAborted();
  await files.backend.save(file, [content], signal);
  const what = `key ${name.slice(0, 8)}`;
  const stored = await files.backend.load(file, undefined, signal);
  const opened = await openMasterKey(decodeKeyFile(stored, what), password, what);
  const isSame = opened !== undefined && Buffer.from(opened.encrypt).equals(parts.key.encrypt);
  if (isSame) return name;
  throw new StillpointError('repository.damaged', `The new ${what} does not open with its own password.`, {
    advice: 'What was stored is not what was written. Check the store.',
    details: { key: name },
    cause: undefined,
  });
}

/**
 * restic measures the machine and may have made guessing dearer than we do: a further password must not be cheaper to
 * guess.
 */
async function usualCost({ files, parts }: OpenedRepository, signal: AbortSignal): Promise<KeyCost> {
  const name = parts.keyName;
  const content = await files.backend.load({ type: 'keys', name }, undefined, signal);
  const { cost } = decodeKeyFile(content, `key ${name.slice(0, 8)}`);
  return effortOf(cost) > effortOf(DEFAULT_KEY_COST) ? cost : DEFAULT_KEY_COST;
}

function chooseKey(names: readonly string[], wanted: string, title: string): string {
  const prefix = wanted.toLowerCase();
  const matches = /^[0-9a-f]{1,64}$/.test(prefix) ? names.filter((name) => name.startsWith(prefix)) : [];
  const [only, ...others] = matches;
  if (only !== undefined && others.length === 0) return only;
  const message =
    only === undefined
      ? `The ${title} has no key "${wanted}".`
      : `"${wanted}" fits ${matches.length} keys of the ${title}.`;
  throw new StillpointError('repository.unknown-key', message, {
    advice: 'List the keys to see their ids.',
    details: { matches: matches.slice(0, 20) },
    cause: undefined,
  });
}

function keyInUse(name: string, title: string, count: number): StillpointError {
  const why =
    count === 1
      ? 'is its only one: without it nothing can be restored'
      : 'is the one whose password opened the repository just now';
  return new StillpointError('repository.key-in-use', `Key ${name.slice(0, 8)} of the ${title} ${why}.`, {
    advice: 'To have another password instead, use "key change"; or open with another password first.',
    details: { key: name },
    cause: undefined,
  });
}

function keyGone(name: string, title: string): StillpointError {
  return new StillpointError(
    'repository.key-in-use',
    `Key ${name.slice(0, 8)}, which opened the ${title}, is no longer there.`,
    {
      advice: 'Open the repository again and list its keys.',
      details: { key: name },
      cause: undefined,
    },
  );
}
