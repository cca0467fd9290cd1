/**
 * Making and opening repositories.
 *
 * Crash story of making one: folders, then the key, then `config` as the last file. Without `config` it is no
 * repository. A crash before leaves a key that opens nothing. A key alone may also be what is left of a repository that
 * lost its `config`, so a person looks before one is made there.
 */
import { createHash, hash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../base/clock.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import { type Logger, silentLogger } from '../base/log.ts';
import type { Backend, FileType } from './backend/backend.ts';
import { type CacheOptions, withCache } from './backend/cache.ts';
import { placeSeenOf } from './backend/place-seen.ts';
import { createSealer } from './crypto/aes-poly1305.ts';
import { DEFAULT_KEY_COST, type KeyCost } from './crypto/kdf.ts';
import { findKey } from './find-key.ts';
import { decodeConfig, encodeConfig, newConfig } from './format/config.ts';
import { encodeKeyFile, newMasterKey, sealMasterKey } from './format/key-file.ts';
import { isId } from './ids.ts';
import { userName } from './locks/held-lock.ts';
import { OpenedRepository } from './opened-repository.ts';
import type { ConfigMark, RepositoryNotice } from './repository.ts';
import { timestampFromDate } from './timestamp.ts';

export interface OpenOptions {
  /** By which the user knows it. */
  readonly name?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** A folder under which each repository has its own, and how much that may hold. */
  readonly cache?: CacheOptions | undefined;
  /** Given what an observer should know; default: the log. */
  readonly onNotice?: ((notice: RepositoryNotice) => void) | undefined;
}

export interface CreateOptions extends OpenOptions {
  readonly version?: 1 | 2;
  /** For tests; the default is what protects a weak password. */
  readonly keyCost?: KeyCost;
}

const titleOf = (location: string, { name }: OpenOptions): string =>
  `repository ${name === undefined ? '' : `"${name}" `}at ${location}`;

const CONFIG = { type: 'config', name: '' } as const;

export async function createRepository(
  backend: Backend,
  password: string,
  signal: AbortSignal,
  options: CreateOptions = {},
): Promise<OpenedRepository> {
  const { location } = backend.properties;
  if (password === '') {
    throw new StillpointError('usage.invalid', `The repository at ${location} was not made: the password is empty.`, {
      advice: 'Choose a password and keep a copy of it elsewhere: without it nothing can be restored.',
      cause: undefined,
    });
  }
  await refuseExisting(backend, signal);
  await backend.prepare(signal);
  const key = newMasterKey();
  const clock = options.clock ?? systemClock;
  const owner = { created: timestampFromDate(clock.now()), username: userName(), hostname: hostname() };
  const keyFile = encodeKeyFile(await sealMasterKey(key, password, options.keyCost ?? DEFAULT_KEY_COST, owner));
  const keyName = hash('sha256', keyFile, 'hex');
  await backend.save({ type: 'keys', name: keyName }, [keyFile], signal);
  const title = titleOf(location, options);
  const config = newConfig(options.version ?? 2);
  const sealer = await createSealer(key);
  const sealed = sealer.seal(encodeConfig(config));
  await backend.save(CONFIG, [sealed], signal);
  const { logger = silentLogger, onNotice = noticeInLog(logger) } = options;
  return new OpenedRepository({
    backend,
    title,
    config,
    configMark: markOf(sealed),
    key,
    keyName,
    sealer,
    clock,
    logger,
    notify: onNotice,
  });
}

/** What is left of a repository shows that there is one, though it may not open: nothing new is mixed into it. */
async function refuseExisting(backend: Backend, signal: AbortSignal): Promise<void> {
  const { location } = backend.properties;
  const exists = await backend.stat(CONFIG, signal).then(
    () => true,
    (error: unknown) => {
      if (isStillpointError(error, 'backend.not-found')) return false;
      throw error;
    },
  );
  const refused = (advice: string): StillpointError =>
    new StillpointError('repository.exists', `There is a repository at ${location} already.`, {
      advice,
      cause: undefined,
    });
  const [hasKeys, hasData] = [await hasAny(backend, ['keys'], signal), await hasAny(backend, DATA, signal)];
  if (exists && hasKeys) throw refused('Use it with its password, or choose another location.');
  if (!exists && !hasKeys && !hasData) return;
  const lacks = [...(exists ? [] : ['no file "config"']), ...(hasKeys ? [] : ['no keys'])].join(' and ');
  throw refused(
    hasData
      ? `It has data, but ${lacks}, so nothing in it can be read. Bring what is lacking back from a copy of its files, or choose another location.`
      : `It has ${lacks} and no data: making it was cut short, or the rest of it was lost. If it was lost, bring it back from a copy of its files; if not, empty this place and make the repository again, or choose another location.`,
  );
}

const DATA: readonly FileType[] = ['snapshots', 'index', 'data'];

async function hasAny(backend: Backend, types: readonly FileType[], signal: AbortSignal): Promise<boolean> {
  for (const type of types) {
    try {
      for await (const { name } of backend.list(type, signal)) if (isId(name)) return true;
    } catch (error) {
      if (!isStillpointError(error, 'backend.not-found')) throw error;
    }
  }
  return false;
}

export async function openRepository(
  backend: Backend,
  password: string,
  signal: AbortSignal,
  options: OpenOptions = {},
): Promise<OpenedRepository> {
  const { location } = backend.properties;
  const title = titleOf(location, options);
  const sealed = await backend.load(CONFIG, undefined, signal).catch(async (error: unknown) => {
    if (!isStillpointError(error, 'backend.not-found')) throw error;
    if (await hasAny(backend, ['keys'], signal)) throw badConfig(title, 'is not there, but the keys are');
    throw noRepository(location, error);
  });
  const { clock = systemClock, logger = silentLogger, cache, onNotice = noticeInLog(logger) } = options;
  const { key, keyName } = await findKey({ backend, title, password, sealedConfig: sealed, notify: onNotice }, signal);
  const sealer = await createSealer(key);
  const plaintext = sealer.open(sealed);
  if (plaintext === undefined) {
    throw badConfig(title, sealed.length === 0 ? 'is empty' : 'is damaged or belongs to another repository');
  }
  const config = decodeConfig(plaintext, title);
  const near = cache && { ...cache, folder: join(cache.folder, config.id) };
  const cached = near === undefined ? backend : withCache(backend, near, logger);
  return new OpenedRepository({
    backend: cached,
    title,
    config,
    configMark: markOf(sealed),
    key,
    keyName,
    sealer,
    clock,
    logger,
    notify: onNotice,
  });
}

function noRepository(location: string, error: StillpointError): StillpointError {
  const place = placeSeenOf(error);
  const what = `There is no repository at ${location}${place === undefined ? '' : `: ${place.words}`}.`;
  const next =
    place?.isFree === false
      ? 'It must lead to where "config" and "keys" of the repository lie; a new repository needs a new or empty place.'
      : 'To make a new repository there, use "stillpoint init".';
  return new StillpointError('repository.not-found', what, {
    advice: `${whereToLook(location)} ${next}`,
    cause: error,
  });
}

const markOf = (sealed: Uint8Array): ConfigMark => ({
  bytes: sealed.length,
  sha256: createHash('sha256').update(sealed).digest('hex'),
});

function whereToLook(location: string): string {
  if (location.startsWith('s3:')) return 'Check the bucket and the folder in the location.';
  if (location.startsWith('rest:')) return 'Check the path in the location.';
  return 'Check that the file system is mounted and the path is right.';
}

function noticeInLog(logger: Logger): (notice: RepositoryNotice) => void {
  return ({ code, message, advice }) => logger.log('warn', message, { code, advice });
}

function badConfig(title: string, fault: string): StillpointError {
  return new StillpointError('repository.damaged', `The file "config" of the ${title} ${fault}.`, {
    advice:
      'Bring "config" back from a copy of the files of this repository. Its data is not affected; docs/damage.md has more.',
    cause: undefined,
  });
}
