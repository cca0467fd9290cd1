/**
 * Finding the key that a password opens. Every key file is tried that can be, so that one which cannot be read, is
 * damaged or is malicious shuts no user out; cheap ones first, because what trying costs is written in the file
 * itself and is not proved before it was tried.
 */
import { hash } from 'node:crypto';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import { mapWithLimit } from '../base/limit.ts';
import { type Backend, describeFile } from './backend/backend.ts';
import { type CipherKey, createSealer } from './crypto/aes-poly1305.ts';
import { effortOf, MOST_EFFORT } from './crypto/kdf.ts';
import { decodeKeyFile, type KeyFile, openMasterKey } from './format/key-file.ts';
import { isId } from './ids.ts';
import type { RepositoryNotice } from './repository.ts';

/** No repository has more passwords than this. */
const MOST_FILES = 1000;
/** Some times what the dearest key may ask for. */
const MOST_EFFORT_TOGETHER = 4 * MOST_EFFORT;

export interface FoundKey {
  readonly key: CipherKey;
  /** Of its file. */
  readonly keyName: string;
}

interface Candidate {
  readonly name: string;
  readonly file: KeyFile;
  /** Whether the file is what its name says. */
  readonly isWhole: boolean;
}

interface Search {
  readonly backend: Backend;
  /** Of the repository; see `PointReader`. */
  readonly title: string;
  readonly password: string;
  /** The sealed content of `config`: the key of another repository may have got among ours, with the same password. */
  readonly sealedConfig: Buffer;
  readonly notify: (notice: RepositoryNotice) => void;
}

/**
 * The first key that opens with the password and fits the repository. Where none fits, one that opens at least: then
 * it is `config` that is damaged. Errors: `repository.wrong-password`; `repository.damaged` and `backend.…` where a key
 * that cannot be used may be the one.
 */
export async function findKey(
  { backend, title, password, sealedConfig, notify }: Search,
  signal: AbortSignal,
): Promise<FoundKey> {
  let misfit: FoundKey | undefined;
  const faults = new Map<string, StillpointError>();
  const candidates = await loadCandidates(backend, faults, signal);
  let effort = 0;
  let untried = 0;
  for (const { name, file, isWhole } of candidates) {
    signal.throwIfAborted();
    effort += effortOf(file.cost);
    if (effort > MOST_EFFORT_TOGETHER) {
      untried += 1;
      continue;
    }
    try {
      const key = await openMasterKey(file, password, describe(name));
      if (key !== undefined && (await createSealer(key)).open(sealedConfig) !== undefined) {
        for (const fault of faults) notify(noticeOf(title, fault));
        return { key, keyName: name };
      }
      if (key !== undefined) {
        misfit ??= { key, keyName: name };
        faults.set(name, foreign(name));
      }
      // A changed byte in the file looks like a wrong password; its name tells the two apart.
      else if (!isWhole) faults.set(name, changed(name));
    } catch (error) {
      noteFault(name, error, faults);
    }
  }
  if (misfit !== undefined) return misfit;
  if (faults.size > 0 || candidates.length === 0) throw noUsableKey(title, [...faults]);
  throw new StillpointError('repository.wrong-password', `The password does not open the ${title}.`, {
    advice:
      untried === 0
        ? 'Check the password file or command of this repository in the configuration.'
        : `Keys that were not tried, because trying all takes too long: ${untried}. Check the password, and remove what is not a key from the folder "keys".`,
    details: { keys: candidates.length, untried },
    cause: undefined,
  });
}

async function loadCandidates(
  backend: Backend,
  faults: Map<string, StillpointError>,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  const names: string[] = [];
  for await (const { name } of backend.list('keys', signal)) if (isId(name)) names.push(name);
  const chosen = names.toSorted().slice(0, MOST_FILES);
  const loaded = await mapWithLimit(chosen, backend.properties.connections, async (name) => {
    try {
      const content = await backend.load({ type: 'keys', name }, undefined, signal);
      const isWhole = hash('sha256', content, 'hex') === name;
      return { name, file: decodeKeyFile(content, describe(name)), isWhole };
    } catch (error) {
      signal.throwIfAborted();
      noteFault(name, error, faults);
      if (isStillpointError(error, 'backend.failed')) await assertPlaceAnswers(backend, signal);
      return undefined;
    }
  });
  return loaded
    .filter((candidate) => candidate !== undefined)
    .toSorted((left, right) => effortOf(left.file.cost) - effortOf(right.file.cost));
}

/** A key that has gone since it was listed is not an error. */
function noteFault(name: string, error: unknown, faults: Map<string, StillpointError>): void {
  if (isStillpointError(error, 'backend.not-found')) return;
  if (!isKeyFault(error)) throw error;
  faults.set(name, error);
}

/** Whether one key file cannot be used, which says nothing about the others. */
export function isKeyFault(error: unknown): error is StillpointError {
  const codes = ['repository.damaged', 'repository.unsupported', 'backend.denied', 'backend.failed'] as const;
  return codes.some((code) => isStillpointError(error, code));
}

/** Where nothing can be read, asking for each key would only take time. */
async function assertPlaceAnswers(backend: Backend, signal: AbortSignal): Promise<void> {
  await backend.stat({ type: 'config', name: '' }, signal);
}

function noticeOf(title: string, [name, error]: readonly [string, StillpointError]): RepositoryNotice {
  return {
    code: error.code,
    message: `${describe(name).replace('key', 'Key')} of the ${title} cannot be used; another one opened it. ${error.message}`,
    advice: 'Its own password may not open the repository. Run "stillpoint check" to see what is wrong with it.',
  };
}

function noUsableKey(title: string, faults: readonly (readonly [string, StillpointError])[]): StillpointError {
  const [first] = faults;
  if (first === undefined) {
    return new StillpointError('repository.damaged', `The ${title} has no key files.`, {
      advice:
        'Bring the folder "keys" back from a copy of the files of this repository. Without a key nothing in it can be read.',
      details: { damaged: [] },
      cause: undefined,
    });
  }
  const [, error] = first;
  const others = faults.length === 1 ? '' : ` ${faults.length - 1} more cannot be used either.`;
  const isPlace = error.code.startsWith('backend.');
  return new StillpointError(
    isPlace ? error.code : 'repository.damaged',
    `The password opens no key of the ${title} that can be read. ${error.message}${others}`,
    {
      advice: isPlace
        ? `Check the password. If it is right, its key may be the one that cannot be read. ${error.advice}`
        : RESTORE_KEYS,
      details: { damaged: faults.map(([name]) => name).slice(0, 20) },
      cause: error,
      retry: error.retry,
    },
  );
}

const RESTORE_KEYS =
  'Check the password. If it is right, restore the folder "keys" from a copy of the files of this repository. Without a key nothing in it can be read.';

function changed(name: string): StillpointError {
  return new StillpointError('repository.damaged', `The file of ${describe(name)} does not match its name.`, {
    advice: RESTORE_KEYS,
    cause: undefined,
  });
}

function foreign(name: string): StillpointError {
  return new StillpointError(
    'repository.damaged',
    `The file of ${describe(name)} holds the key of another repository.`,
    {
      advice: RESTORE_KEYS,
      cause: undefined,
    },
  );
}

const describe = (name: string): string => describeFile({ type: 'keys', name });
