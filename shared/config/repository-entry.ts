/** An entry of "repositories": what its shape cannot say, and the value that the rooms above are given. */
import { isStillpointError } from '../base/errors.ts';
import { registerSecret } from '../base/log.ts';
import { formatLocation, type Location, parseLocation } from '../domain/location.ts';
import { repositoryName } from '../domain/names.ts';
import type { RepositorySpec, SshHost } from '../domain/source.ts';
import type { RepositoryEntry } from './schema.ts';

/** `path` is inside the entry. */
export interface EntryProblem {
  readonly path: readonly string[];
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly advice: string;
}

/** @param entry without what has no right shape */
export function repositoryProblems(entry: Partial<RepositoryEntry>): EntryProblem[] {
  const problems = twoSources(entry);
  if (entry.location === undefined) return problems;
  try {
    problems.push(...placeProblems(entry, parseLocation(entry.location)));
  } catch (error) {
    if (!isStillpointError(error)) throw error;
    problems.push({ path: ['location'], at: 'value', message: error.message, advice: error.advice });
  }
  return problems;
}

/**
 * @param resolve makes a path of this machine absolute
 * @param sshHost finds a host by the name that a location has for it
 */
export function repositorySpec(
  name: string,
  entry: RepositoryEntry,
  resolve: (path: string) => string,
  sshHost: (name: string) => SshHost,
): RepositorySpec {
  const { location, passwordFile, passwordCommand, caCertificateFile, s3, rest, ...limits } = entry;
  const place = resolvePlace(parseLocation(location), resolve);
  const file = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path));
  if (place.kind === 'rest' && place.password !== undefined) registerSecret(place.password.reveal());
  return {
    name: repositoryName(name),
    location: formatLocation(place),
    place,
    sshHost: place.kind === 'sftp' ? sshHost(place.host) : undefined,
    passwordFile: file(passwordFile),
    passwordCommand,
    store: {
      ...limits,
      caCertificateFile: file(caCertificateFile),
      s3: s3 && { ...s3, secretKeyFile: file(s3.secretKeyFile) },
      rest: rest && { ...rest, passwordFile: file(rest.passwordFile) },
    },
  };
}

function resolvePlace(place: Location, resolve: (path: string) => string): Location {
  return place.kind === 'local' ? { kind: 'local', path: resolve(place.path) } : place;
}

/** A secret that is to come from two places, of which one would be ignored without a word. */
function twoSources({ passwordFile, passwordCommand, s3, rest }: Partial<RepositoryEntry>): EntryProblem[] {
  const problems: EntryProblem[] = [];
  const both = (what: string, path: readonly string[], file: unknown, command: unknown, names: string): void => {
    if (file === undefined || command === undefined) return;
    const message = `The ${what} is given both by a file and by a command.`;
    problems.push({ path, at: 'key', message, advice: `Keep ${names}.` });
  };
  const passwords = '"passwordFile" or "passwordCommand"';
  both('password', ['passwordCommand'], passwordFile, passwordCommand, passwords);
  both('password', ['rest', 'passwordCommand'], rest?.passwordFile, rest?.passwordCommand, passwords);
  both(
    'secret key',
    ['s3', 'secretKeyCommand'],
    s3?.secretKeyFile,
    s3?.secretKeyCommand,
    '"secretKeyFile" or "secretKeyCommand"',
  );
  return problems;
}

/** Keys that mean nothing for this place, and keys that contradict each other. */
function placeProblems({ caCertificateFile, s3, rest }: Partial<RepositoryEntry>, place: Location): EntryProblem[] {
  const problems: EntryProblem[] = [];
  const wrong = (path: readonly string[], message: string, advice: string): void => {
    problems.push({ path, at: 'key', message, advice });
  };
  for (const [kind, options] of [
    ['s3', s3],
    ['rest', rest],
  ] as const) {
    if (options === undefined || place.kind === kind) continue;
    wrong([kind], `The location does not begin with "${kind}:".`, 'Remove this key, or correct the location.');
  }
  if (caCertificateFile !== undefined && !('tls' in place && place.tls)) {
    const advice = 'Remove this key, or write "https://" into the location.';
    wrong(['caCertificateFile'], 'No certificate is used for this location.', advice);
  }
  if (s3?.accessKeyId !== undefined && s3.profile !== undefined) {
    wrong(['s3', 'profile'], 'The keys are given both here and by a profile.', 'Keep "accessKeyId" or "profile".');
  }
  if (s3 !== undefined && s3.accessKeyId === undefined) {
    const secret = ['secretKeyFile', 'secretKeyCommand'].find((key) => key in s3);
    if (secret !== undefined) {
      wrong(['s3', secret], 'There is a secret key without its id.', 'Write "accessKeyId" beside it.');
    }
  }
  if (place.kind !== 'rest' || rest === undefined) return problems;
  if (rest.user !== undefined && place.user !== undefined) {
    wrong(['rest', 'user'], 'The location names a user as well.', 'Keep one of the two.');
  }
  const password = ['passwordFile', 'passwordCommand'].find((key) => key in rest);
  if (password !== undefined && place.password !== undefined) {
    wrong(['rest', password], 'The location holds a password as well.', 'Take it out of the location.');
  }
  if (password !== undefined && rest.user === undefined && place.user === undefined) {
    wrong(['rest', password], 'There is a password without a user.', 'Write "user" beside it.');
  }
  return problems;
}
