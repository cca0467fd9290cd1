/**
 * Where a repository lies, in restic's syntax, so that what is written here can be given to `restic -r` as it is.
 *
 * Reading and printing only: nothing is looked up. What is printed never holds a password, and neither does a sentence
 * about a location that cannot be understood, because the mistake may be in the password.
 */
import { posix } from 'node:path';
import { StillpointError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { wordOfShell } from './shell-words.ts';

interface LocalLocation {
  readonly kind: 'local';
  readonly path: string;
}

interface SftpLocation {
  readonly kind: 'sftp';
  readonly user: string | undefined;
  /** A name of the SSH configuration, a DNS name or an address, without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Absolute, or relative to the home folder there. */
  readonly path: string;
}

export interface S3Location {
  readonly kind: 's3';
  readonly tls: boolean;
  /** `host` or `host:port`. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Without slashes at its ends; empty for the bucket itself. */
  readonly prefix: string;
}

export interface RestLocation {
  readonly kind: 'rest';
  readonly tls: boolean;
  /** `host` or `host:port`. */
  readonly endpoint: string;
  /** As in a URL, with a slash at both ends. */
  readonly path: string;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
}

export type Location = LocalLocation | SftpLocation | S3Location | RestLocation;

const EXAMPLES = {
  local: '"/srv/backup"',
  sftp: '"sftp:backup@nas:/srv/backup" or "sftp://backup@nas:2222//srv/backup"',
  s3: '"s3:https://s3.example.org/bucket/folder"',
  rest: '"rest:https://backup.example.org:8000/main/"',
};

/** restic's other stores. rclone serves all of them by the REST protocol. */
const VIA_RCLONE = ['b2', 'azure', 'gs', 'swift', 'rclone'];

/** Errors: `usage.invalid` with a sentence and an example. */
export function parseLocation(text: string): Location {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  if (text.trim() === '' || /[\u0000-\u001f\u007f]/.test(text) || !text.isWellFormed()) {
    throw bad('The location is empty or holds a control character', EXAMPLES.local);
  }
  if (isPath(text)) return { kind: 'local', path: text };
  const word = wordOfShell(text);
  if (word?.startsWith('~') === true) {
    const example = '"~/backup", or "local:~name" for a folder that is called so';
    throw bad('The location begins with a "~" that is not followed by "/"', example);
  }
  if (word !== undefined) {
    const example = `"~/backup" for what is in your home folder, or "local:${word}" for a folder that is called so`;
    throw bad(`The location begins with "${word}", which no shell reads here`, example);
  }
  const colon = text.indexOf(':');
  if (colon < 0) return { kind: 'local', path: text };
  const scheme = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  switch (scheme) {
    case 'local':
      if (rest.trim() === '') throw bad('The location names no folder', EXAMPLES.local);
      return { kind: 'local', path: rest };
    case 'sftp':
      return rest.startsWith('//') ? sftpOfUrl(text) : sftpOfWords(rest);
    case 's3':
      return s3Of(rest);
    case 'rest':
      return restOf(rest);
    default:
      if (VIA_RCLONE.includes(scheme)) {
        throw bad(
          `Repositories at "${scheme}:" are reached through "rclone serve restic"`,
          '"rest:http://127.0.0.1:8080/"',
        );
      }
      throw bad(
        'The location begins with a word and a colon that are not known here',
        `"sftp:nas:/srv/backup", "s3:https://store.example.org/bucket" or "rest:https://nas:8000/", or "local:path" for a folder`,
      );
  }
}

/** The same in restic's syntax; a password is shown as `***`. */
export function formatLocation(location: Location): string {
  switch (location.kind) {
    case 'local':
      return isPath(location.path) || !/^[~$]|:/.test(location.path) ? location.path : `local:${location.path}`;
    case 'sftp':
      return formatSftp(location);
    case 's3': {
      const path = [location.bucket, ...(location.prefix === '' ? [] : location.prefix.split('/'))];
      return `s3:${scheme(location)}://${location.endpoint}/${path.map(encodeURIComponent).join('/')}`;
    }
    case 'rest': {
      const user = location.user === undefined ? '' : encodeURIComponent(location.user);
      const password = location.password === undefined ? '' : ':***';
      const login = user + password === '' ? '' : `${user}${password}@`;
      return `rest:${scheme(location)}://${login}${location.endpoint}${location.path}`;
    }
  }
}

function isPath(text: string): boolean {
  return /^(\.{0,2}[\\/]|~\/|~$|[A-Za-z]:[\\/])/.test(text);
}

const scheme = ({ tls }: { readonly tls: boolean }): string => (tls ? 'https' : 'http');

const HOST = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const ADDRESS = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.%A-Za-z0-9_-]*$/;

/** `user@host:path`, as scp has it. */
function sftpOfWords(text: string): SftpLocation {
  const colon = text.indexOf(':');
  if (colon < 0) throw bad('The location has no ":" between the host and the folder', EXAMPLES.sftp);
  const login = text.slice(0, colon);
  const at = login.lastIndexOf('@');
  return sftp(at < 0 ? undefined : login.slice(0, at), login.slice(at + 1), undefined, text.slice(colon + 1));
}

/** `sftp://user@host:port/path`: a path with two slashes is absolute, with one it begins in the home folder. */
function sftpOfUrl(text: string): SftpLocation {
  const url = urlOf(text, EXAMPLES.sftp);
  if (url.password !== '') {
    throw bad('The location holds a password, and SSH asks for its passwords itself', EXAMPLES.sftp);
  }
  const user = decode(url.username, EXAMPLES.sftp);
  const host = decode(url.hostname, EXAMPLES.sftp).replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? undefined : Number(url.port);
  return sftp(user === '' ? undefined : user, host, port, decode(url.pathname, EXAMPLES.sftp).slice(1));
}

function sftp(user: string | undefined, host: string, port: number | undefined, path: string): SftpLocation {
  if (!HOST.test(host) && !ADDRESS.test(host)) throw bad('The location names no host', EXAMPLES.sftp);
  if (user !== undefined && !/^[^\s:/-][^\s:/]*$/.test(user)) {
    throw bad('The user in the location is not valid', EXAMPLES.sftp);
  }
  if (port === 0) throw bad('The port in the location is not valid', EXAMPLES.sftp);
  if (path === '') throw bad('The location names no folder', EXAMPLES.sftp);
  const word = path.startsWith('~') ? '~' : wordOfShell(path);
  if (word !== undefined) {
    throw bad(
      `The folder begins with "${word}", which SFTP does not know; a relative path begins in the home folder`,
      '"sftp:nas:backup"',
    );
  }
  return { kind: 'sftp', user, host, port, path: posix.normalize(path).replace(/(.)\/$/, '$1') };
}

function formatSftp({ user, host, port, path }: SftpLocation): string {
  if (port === undefined && HOST.test(host)) return `sftp:${user === undefined ? '' : `${user}@`}${host}:${path}`;
  const login = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  const address = host.includes(':') ? `[${host}]` : host;
  const shownPort = port === undefined ? '' : `:${port}`;
  return `sftp://${login}${address}${shownPort}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

function s3Of(text: string): S3Location {
  const hasScheme = /^https?:/.test(text);
  // Only in a URL do "%", "?" and "#" mean anything; what is none is read by restic as it stands.
  const plain = text.replace(/^\/\//, '');
  const slash = plain.includes('/') ? plain.indexOf('/') : plain.length;
  const url = urlOf(hasScheme ? text : `https://${plain.slice(0, slash)}`, EXAMPLES.s3);
  if (url.username !== '' || url.password !== '') {
    throw bad('The location holds a key, which belongs in "s3" beside it', EXAMPLES.s3);
  }
  const names = hasScheme
    ? url.pathname.split('/').map((name) => decode(name, EXAMPLES.s3))
    : plain.slice(slash).split('/');
  const [bucket = '', ...prefix] = names.filter((name) => name !== '');
  if (bucket === '') throw bad('The location names no bucket', EXAMPLES.s3);
  if (!/^[A-Za-z0-9][A-Za-z0-9._:-]*$/.test(bucket)) {
    throw bad('The bucket in the location is not valid', EXAMPLES.s3);
  }
  if (prefix.some((name) => name === '.' || name === '..' || name.includes('/'))) {
    throw bad('The folder in the location is not plain', EXAMPLES.s3);
  }
  return { kind: 's3', tls: url.protocol === 'https:', endpoint: url.host, bucket, prefix: prefix.join('/') };
}

function restOf(text: string): RestLocation {
  if (!/^https?:/.test(text)) throw bad('After "rest:" comes a URL', EXAMPLES.rest);
  const url = urlOf(text, EXAMPLES.rest);
  const user = decode(url.username, EXAMPLES.rest);
  const password = decode(url.password, EXAMPLES.rest);
  if (password !== '' && user === '') throw bad('The location holds a password without a user', EXAMPLES.rest);
  return {
    kind: 'rest',
    tls: url.protocol === 'https:',
    endpoint: url.host,
    path: url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`,
    user: user === '' ? undefined : user,
    password: password === '' ? undefined : new Secret(password),
  };
}

/** The URL parser forgives more than we want: spaces, missing slashes, a backslash for a slash. */
function urlOf(text: string, example: string): URL {
  if (!/^[a-z0-9]+:\/\/[^/\\]/.test(text)) throw bad('The location names no host', example);
  if (/[\s\\?#]/.test(text)) {
    throw bad('The location holds a space, "\\", "?" or "#"; in a URL they are written %20, %5C, %3F and %23', example);
  }
  const url = URL.parse(text);
  if (url === null || url.hostname === '') throw bad('The location is not a URL', example);
  return url;
}

function decode(text: string, example: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad('The location has a "%" that begins no character; write it %25', example);
  }
}

function bad(what: string, example: string): StillpointError {
  return new StillpointError('usage.invalid', `${what}.`, { advice: `Write it as in ${example}.`, cause: undefined });
}
