/** The edge where errors of HTTP and of the network below it become ours. */
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import type { FileRef } from './backend.ts';
import { describeFile } from './backend.ts';

/** What OpenSSL says of a certificate, in Node's words. */
const UNTRUSTED = /^(CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|INVALID_CA|HOSTNAME_MISMATCH)/;

/** What it adds for programmers. */
const ADVICE_OF_NODE = /; if the root CA is installed locally.*$/;

interface OtherSpeech {
  readonly why: string;
  readonly advice: string;
}

const NO_TLS: OtherSpeech = {
  why: 'what answers there does not speak TLS',
  advice: 'Check the port, or write "http://" into the location if the store has no certificate.',
};
const NO_HTTP: OtherSpeech = {
  why: 'what answers there does not speak HTTP',
  advice: 'Check the address and the port in the location.',
};

/** Of a server that is there and is none of a store. */
function otherSpeech(code: string | undefined, message: string): OtherSpeech | undefined {
  if (code === 'EPROTO' && /wrong version number|packet length too long/.test(message)) return NO_TLS;
  return code?.startsWith('HPE_') === true ? NO_HTTP : undefined;
}

/** @param doing what could not be done to which object, as "pack 1a2b3c4d could not be written to rest:…" */
export function fromNetworkError(cause: unknown, doing: string): StillpointError {
  if (isStillpointError(cause)) return cause;
  const { code, message, hostname = 'the store', silentMs, bytesPerSecond } = innermost(cause);
  if (code !== undefined && UNTRUSTED.test(code)) {
    return new StillpointError(
      'backend.untrusted',
      `${capital(doing)}: its certificate is not trusted (${message.replace(ADVICE_OF_NODE, '')}).`,
      {
        advice:
          'If the store has a certificate of its own, name it with "caCertificateFile"; the address must be in it.',
        details: { code },
        cause,
      },
    );
  }
  const isSlow = bytesPerSecond !== undefined;
  const isNameless = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  const other = otherSpeech(code, message);
  const why = other?.why ?? (isNameless ? `the name "${hostname}" leads nowhere` : message);
  return new StillpointError('backend.failed', `${capital(doing)}: ${why}.`, {
    advice:
      other?.advice ??
      (isSlow
        ? 'Look for what slows the store or the line to it down, then start again.'
        : 'Check the address and whether the store runs, then start again.'),
    details: { code, ...(isSlow && { bytesPerSecond }), ...(silentMs === undefined ? {} : { silentMs }) },
    cause,
    retry: 'maybe',
  });
}

export interface Answered {
  /** What the store wrote about it, and where it sends to, if they are fit to be shown. */
  readonly said?: string;
  readonly to?: string;
  /** No user was named to it. */
  readonly isNameless?: boolean;
}

/** For answers that say no. */
export function fromStatus(
  status: number,
  doing: string,
  { said = '', to = '', isNameless = false }: Answered = {},
): StillpointError {
  const what = capital(doing);
  const words = said === '' ? '' : ` It says: ${sentence(said)}`;
  const details = { status };
  const cause = undefined;
  if (status === 404) {
    const advice = 'Check that the location is right. If it is, run "stillpoint check".';
    return new StillpointError('backend.not-found', `${what}: it is not there.`, { advice, details, cause });
  }
  if (status === 401) {
    const why = isNameless ? 'the store wants a login, and none is configured (401)' : 'the login is refused (401)';
    return new StillpointError('backend.denied', `${what}: ${why}.${words}`, {
      advice: isNameless
        ? 'Write "user" and "passwordFile" into "rest" of the repository.'
        : 'Check the user and the password of the store in the configuration.',
      details,
      cause,
    });
  }
  if (status === 403 || status === 405) {
    return new StillpointError('backend.denied', `${what}: access is refused (${status}).${words}`, {
      advice: 'Check what the user of the store may do. One that only lets add files refuses to remove them.',
      details,
      cause,
    });
  }
  if (status >= 300 && status < 400) {
    return new StillpointError(
      'backend.failed',
      `${what}: the store sends to ${to === '' ? 'another address' : `"${to}"`} (${status}), which is not followed.${words}`,
      { advice: 'Write the address that answers itself into the location.', details, cause, retry: 'never' },
    );
  }
  if (status === 413 || status === 507) {
    return new StillpointError('backend.no-space', `${what}: there is no room left (${status}).${words}`, {
      advice: 'Make room there, then start again.',
      details,
      cause,
    });
  }
  const passes = status === 408 || status === 429 || status >= 500;
  return new StillpointError('backend.failed', `${what}: the store answered ${status}.${words}`, {
    advice: passes
      ? 'Look into the log of the store, then start again.'
      : 'Check that the location is that of such a store, and look into its log.',
    details,
    cause,
    retry: passes ? 'maybe' : 'never',
  });
}

export function shortFile(file: FileRef, end: number, wanted: number): StillpointError {
  const name = describeFile(file);
  return new StillpointError('repository.damaged', `The file of ${name} ends at byte ${end}; ${wanted} are needed.`, {
    advice: 'It was cut short. Run "stillpoint check" to see which restore points and files are affected.',
    cause: undefined,
  });
}

/** Connecting to several addresses of one name fails with all their errors at once; the last one is as good as any. */
function innermost(
  cause: unknown,
): Pick<NetworkError, 'code' | 'message' | 'hostname' | 'silentMs' | 'bytesPerSecond'> {
  let error = cause;
  while (error instanceof AggregateError && error.errors.length > 0) error = error.errors.at(-1);
  return error instanceof Error ? error : { message: String(error) };
}

interface NetworkError extends NodeJS.ErrnoException {
  readonly hostname?: string;
  /** Of a request that was given up because nothing moved. */
  readonly silentMs?: number;
  /** Of a request that was given up because too little came. */
  readonly bytesPerSecond?: number;
}

/** With its full stop, so that more can be said after it. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
