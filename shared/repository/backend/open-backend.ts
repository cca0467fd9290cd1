/**
 * The one place where a backend is made for a location, with what belongs round it: innermost the backend itself, then
 * the limits of speed and of calls at once, so that a repeated call is limited too, then the retries.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { deadline } from '../../base/cancel.ts';
import type { Clock } from '../../base/clock.ts';
import { invariant, isStillpointError, StillpointError, systemErrorCode } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { formatLocation, type Location } from '../../domain/location.ts';
import type { StoreOptions } from '../../domain/source.ts';
import type { SftpAddress, SftpPorts } from '../../remote/sftp/connect-sftp.ts';
import type { Trouble } from './attempts.ts';
import type { Backend } from './backend.ts';
import type { HttpOptions } from './http.ts';
import { createThrottle, type Throttle, withBandwidth, withConnections } from './limit.ts';
import { createLocalBackend } from './local.ts';
import type { Patience } from './patience.ts';
import { withRetries } from './retry.ts';
import { openSftpBackend } from './sftp.ts';

export interface BackendOptions extends StoreOptions {
  /** What the store asks for: the secret key of an S3 store, the password of a user at a REST server. */
  readonly secret: string | undefined;
}

export interface BackendPorts {
  readonly logger: Logger;
  readonly clock: Clock;
  /** With a place that fails. */
  readonly patience: Patience;
  /** Called when a call to the store failed and is made again. */
  readonly onTrouble?: ((trouble: Trouble) => void) | undefined;
  /** For places that are reached by SSH. */
  readonly ssh?: SshWay | undefined;
}

/** The host as the configuration knows it, and who is asked on the way there. */
export interface SshWay {
  readonly host: Omit<SftpAddress, 'user' | 'port'>;
  readonly ports: SftpPorts;
}

/** For places that are reached by a network. */
const REMOTE_CONNECTIONS = 5;

/**
 * A remote store is contacted once, and not again and again when that fails: a user who looks at a repository whose
 * server is down sees the error at once; only what worked before is waited for. Errors: `backend.…`, `ssh.…`.
 */
export async function openBackend(
  location: Location,
  options: BackendOptions,
  ports: BackendPorts,
  signal: AbortSignal,
): Promise<Backend> {
  const { limitUploadKiB, limitDownloadKiB } = options;
  const limits = {
    ...(limitUploadKiB === undefined ? {} : { uploadKiBps: limitUploadKiB }),
    ...(limitDownloadKiB === undefined ? {} : { downloadKiBps: limitDownloadKiB }),
  };
  const throttle = createThrottle(limits, ports.clock);
  const backend = await innermost(location, options, ports, throttle, signal);
  // What a disk of this machine refuses, it refuses again.
  if (location.kind === 'local') return backend;
  if (location.kind !== 'sftp') await reach(backend, signal);
  const { patience: policy } = ports;
  return withRetries(withConnections(backend, options.connections ?? REMOTE_CONNECTIONS), { ...ports, policy });
}

async function innermost(
  location: Location,
  options: BackendOptions,
  { ssh, patience: { silenceMs } }: BackendPorts,
  throttle: Throttle,
  signal: AbortSignal,
): Promise<Backend> {
  switch (location.kind) {
    case 'local':
      return limited(createLocalBackend(location.path), options, throttle);
    // Those that speak HTTP are imported on demand: what they need is large, and most repositories need none of it.
    case 'rest': {
      const { createRestBackend } = await import('./rest.ts');
      return createRestBackend(location, {
        ...(await httpOptions(options, throttle, signal)),
        silenceMs,
        user: location.user ?? options.rest?.user,
        password: location.password?.reveal() ?? options.secret,
        connections: REMOTE_CONNECTIONS,
      });
    }
    case 's3': {
      const { createS3Backend } = await import('./s3.ts');
      const { accessKeyId, region, bucketLookup, profile } = options.s3 ?? {};
      const isGiven = accessKeyId !== undefined && options.secret !== undefined;
      return createS3Backend(location, {
        ...(await httpOptions(options, throttle, signal)),
        silenceMs,
        region,
        bucketLookup,
        profile,
        keys: isGiven ? { accessKeyId, secretAccessKey: options.secret } : undefined,
        connections: REMOTE_CONNECTIONS,
      });
    }
    case 'sftp': {
      invariant(ssh, 'a place that is reached by SSH comes with the way to its host');
      const { user, port, path } = location;
      const host = { ...ssh.host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
      const connections = options.connections ?? REMOTE_CONNECTIONS;
      const place = { host, folder: path, location: formatLocation(location), connections, throttle, silenceMs };
      return openSftpBackend(place, ssh.ports, signal);
    }
  }
}

/** A store that takes the connection and says nothing is reported as one that takes none. */
const REACH_BUDGET_MS = 30_000;

/** Whatever a store answers, it can be reached; what its answer means is for the first call that needs it. */
async function reach(backend: Backend, signal: AbortSignal): Promise<void> {
  using limit = deadline(signal, REACH_BUDGET_MS, () => silentStore(backend.properties.location));
  try {
    await backend.stat({ type: 'config', name: '' }, limit.signal);
  } catch (error) {
    signal.throwIfAborted();
    const answered = isStillpointError(error) && typeof error.details['status'] === 'number';
    if (answered) return;
    await backend.close();
    throw error;
  }
}

function silentStore(location: string): StillpointError {
  return new StillpointError(
    'backend.failed',
    `The store at ${location} takes the connection and gives no answer within ${REACH_BUDGET_MS / 1000} s.`,
    {
      advice: 'Check that the address and the port are those of the store, and look into its log.',
      cause: undefined,
      retry: 'maybe',
    },
  );
}

function limited(backend: Backend, { connections }: StoreOptions, throttle: Throttle): Backend {
  const slow = throttle.up === undefined && throttle.down === undefined ? backend : withBandwidth(backend, throttle);
  return connections === undefined ? slow : withConnections(slow, connections);
}

async function httpOptions(
  { caCertificateFile }: StoreOptions,
  throttle: Throttle,
  signal: AbortSignal,
): Promise<Pick<HttpOptions, 'throttle' | 'caCertificates'>> {
  if (caCertificateFile === undefined) return { throttle };
  const unfit = (why: string, cause: unknown): StillpointError =>
    new StillpointError('config.invalid', `The file of certificates "${caCertificateFile}" ${why}.`, {
      advice: 'Name a file with certificates in PEM in "caCertificateFile" of the repository.',
      cause,
    });
  let caCertificates: string;
  try {
    caCertificates = await readFile(caCertificateFile, { encoding: 'utf8', signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw unfit(`cannot be read (${systemErrorCode(cause) ?? String(cause)})`, cause);
  }
  if (!beginsWithCertificate(caCertificates)) throw unfit('holds no certificate in PEM', undefined);
  return { throttle, caCertificates };
}

/** Node passes over what is none, and then the store would be called untrusted. */
function beginsWithCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0;
  } catch {
    return false;
  }
}
