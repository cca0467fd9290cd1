/** The edge where what an S3 store says, or its client, becomes ours. */
import type { ErrorCode } from '../../base/error-codes.ts';
import { isStillpointError, type Retry, StillpointError } from '../../base/errors.ts';
import { fromNetworkError, sentence } from './http-errors.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly words: string;
  readonly advice: string;
  readonly retry?: Retry;
}

const NO_ROOM: Meaning = {
  code: 'backend.no-space',
  words: 'there is no room left, or its quota is used up',
  advice: 'Make room there or raise the quota, then start again.',
};
const BUSY: Meaning = {
  code: 'backend.failed',
  words: 'the store is busy or has a fault of its own',
  advice: 'Look into the log of the store, then start again.',
  retry: 'maybe',
};
const NOT_THERE: Meaning = {
  code: 'backend.not-found',
  words: 'it is not there',
  advice: 'Check that the location is right. If it is, run "stillpoint check".',
};
const REFUSED: Meaning = {
  code: 'backend.denied',
  words: 'access is refused',
  advice: 'Check what the key may do in this bucket: list it, and read, write and delete objects.',
};
const OTHER_REGION: Meaning = {
  code: 'backend.denied',
  words: 'the store belongs to another region',
  advice: 'Write its region into "s3": {"region": "…"} of the repository in the configuration.',
};

/** What sends elsewhere without a name for it is S3 where it answers to HEAD, and otherwise any web server. */
const ELSEWHERE: Meaning = {
  ...OTHER_REGION,
  words: 'the store belongs to another region, or sends to another address',
  advice:
    'Write its region into "s3": {"region": "…"} of the repository in the configuration, or the address that answers itself into the location.',
};

/** Names of errors, by the makers of S3, Ceph and MinIO. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: {
    code: 'backend.not-found',
    words: 'there is no such bucket',
    advice: 'Check the name of the bucket in the location; init makes one where the key may.',
  },
  NoSuchKey: NOT_THERE,
  NotFound: NOT_THERE,
  AccessDenied: REFUSED,
  AllAccessDisabled: REFUSED,
  AccountProblem: REFUSED,
  MethodNotAllowed: REFUSED,
  Forbidden: REFUSED,
  InvalidAccessKeyId: {
    code: 'backend.denied',
    words: 'the store does not know the access key',
    advice:
      'Check "accessKeyId" of the repository; where it has none, the keys of the AWS tools and of the environment count.',
  },
  SignatureDoesNotMatch: {
    code: 'backend.denied',
    words: 'the secret key does not fit the access key',
    advice: 'Check the secret key. If it is right, check "region" and "bucketLookup" of the repository.',
  },
  RequestTimeTooSkewed: {
    code: 'backend.denied',
    words: 'the clocks of this machine and of the store differ by more than it allows',
    advice: 'Set the clock of this machine right, or that of the store.',
  },
  AuthorizationHeaderMalformed: OTHER_REGION,
  PermanentRedirect: OTHER_REGION,
  IllegalLocationConstraintException: OTHER_REGION,
  QuotaExceeded: NO_ROOM,
  XMinioStorageFull: NO_ROOM,
  EntityTooLarge: NO_ROOM,
  InsufficientStorage: NO_ROOM,
  SlowDown: BUSY,
  ServiceUnavailable: BUSY,
  InternalError: BUSY,
  RequestTimeout: BUSY,
  XAmzContentSHA256Mismatch: { ...BUSY, words: 'the content changed on its way to the store' },
  BadDigest: { ...BUSY, words: 'the content changed on its way to the store' },
  BucketAlreadyExists: {
    code: 'backend.denied',
    words: 'the bucket belongs to another account',
    advice: 'Choose another name for the bucket.',
  },
};

/** @param doing what could not be done to which object, as "pack 1a2b3c4d could not be written to s3:…" */
export function fromS3Error(cause: unknown, doing: string): StillpointError {
  if (isStillpointError(cause)) return cause;
  const { name, message, status } = factsOf(cause);
  const what = `${doing.slice(0, 1).toUpperCase()}${doing.slice(1)}`;
  if (name === 'CredentialsProviderError') {
    return new StillpointError('config.secret-unavailable', `${what}: no keys for it were found (${message}).`, {
      advice:
        'Write "accessKeyId" and "secretKeyFile" into "s3" of the repository, or set up the AWS tools of this user.',
      // The environment of their terminal may name the keys.
      details: { personHelps: true },
      cause,
    });
  }
  if (status === undefined) return fromNetworkError(cause, doing);
  const { code, words, advice, retry } = MEANINGS[name] ?? ofStatus(status);
  // Answers to HEAD have no text, and of what is no answer of S3 the client finds none; it then makes up both.
  const isMadeUp =
    message === '' || message === name || message.startsWith('Unknown') || message.startsWith('@aws-sdk');
  const said = isMadeUp ? '' : ` It says: ${sentence(message)}`;
  const named = !/^(?:Error|Unknown.*)$/.test(name) ? ` (${name})` : words.endsWith(`${status}`) ? '' : ` (${status})`;
  return new StillpointError(code, `${what}: ${words}${named}.${said}`, {
    advice,
    details: { status, name },
    cause,
    ...(retry === undefined ? {} : { retry }),
  });
}

function ofStatus(status: number): Meaning {
  if (status === 404) return NOT_THERE;
  if (status === 401 || status === 403) return REFUSED;
  if (status === 301 || status === 307) return ELSEWHERE;
  if (status === 413 || status === 507) return NO_ROOM;
  if (status === 408 || status === 429 || status >= 500) return BUSY;
  return {
    code: 'backend.failed',
    words: `the store answered ${status}`,
    advice: 'Check that the location is that of an S3 store, and "region" and "bucketLookup" of the repository.',
  };
}

function factsOf(cause: unknown): { readonly name: string; readonly message: string; readonly status?: number } {
  if (!(cause instanceof Error)) return { name: 'unknown', message: String(cause) };
  const { name, message } = cause;
  const status = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  return { name, message, ...(status === undefined ? {} : { status }) };
}
