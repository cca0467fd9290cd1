/**
 * The kept client of Amazon's, made for stores of any maker: it does addresses, keys and signatures; the HTTP
 * below it and the retries above it are ours.
 *
 * Bodies keep the pieces that they were made of, so that a pack is never copied on its way, and are signed with their
 * SHA-256: the store itself refuses content that changed on the way.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { never } from '../../base/cancel.ts';
import type { S3Location } from '../../domain/location.ts';
import type { S3Options } from '../../domain/source.ts';
import { MOST_WHOLE_BYTES } from './backend.ts';
import { HttpClient, type HttpOptions } from './http.ts';

export interface S3ClientOptions extends HttpOptions, Pick<S3Options, 'region' | 'bucketLookup' | 'profile'> {
  /** Without them, keys come from the environment, the files of the AWS tools, or the machine's own role. */
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** What stores of other makers accept when no region is configured. */
const USUAL_REGION = 'us-east-1';
const AMAZON = /^s3(?:[.-]([a-z0-9-]+))?\.amazonaws\.com(\.cn)?$/;

/** Whole files and the pages of listings. */
const MOST_UNRANGED_BYTES = Math.max(...Object.values(MOST_WHOLE_BYTES));

export class PiecesBody extends Readable {
  readonly pieces: readonly Uint8Array[];

  constructor(pieces: readonly Uint8Array[]) {
    super();
    this.pieces = pieces;
  }

  get sizeBytes(): number {
    return this.pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  get sha256(): string {
    const hash = createHash('sha256');
    for (const piece of this.pieces) hash.update(piece);
    return hash.digest('hex');
  }

  /** Used where the client reads an answer as a stream: error texts and listings. */
  override _read(): void {
    for (const piece of this.pieces) this.push(piece);
    this.push(null);
  }
}

export function createS3Client(location: S3Location, options: S3ClientOptions): S3Client {
  const { region, bucketLookup = 'auto', profile, keys, ...http } = options;
  const amazon = AMAZON.exec(location.endpoint);
  const config: S3ClientConfig = {
    region: region ?? amazon?.[1] ?? USUAL_REGION,
    // Amazon's own addresses follow from the region, and one that was guessed wrongly is corrected by the store and followed.
    ...(amazon === null ? { endpoint: `${location.tls ? 'https' : 'http'}://${location.endpoint}` } : {}),
    followRegionRedirects: amazon !== null,
    forcePathStyle: bucketLookup === 'path' || (bucketLookup === 'auto' && amazon === null),
    ...(keys === undefined ? {} : { credentials: { ...keys } }),
    ...(profile === undefined ? {} : { profile }),
    // One try: the retry around the backend knows what may be repeated, and says so in the log.
    maxAttempts: 1,
    // The checksums that Amazon added in 2024 are unknown to many stores; the signed SHA-256 does the same.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler: handlerOver(new HttpClient(http)),
  };
  const client = new S3Client(config);
  client.middlewareStack.add(
    (next) => (call) => {
      const request = call.request as ClientRequest;
      const { body } = request;
      if (body instanceof PiecesBody) request.headers['x-amz-content-sha256'] = body.sha256;
      return next(call);
    },
    { step: 'build', name: 'signBodyWithItsHash' },
  );
  return client;
}

/** What the client hands to its HTTP; its own types name more than it uses. */
interface ClientRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

function handlerOver(http: HttpClient): NonNullable<S3ClientConfig['requestHandler']> {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request: ClientRequest, { abortSignal = never }: { readonly abortSignal?: AbortSignal } = {}) {
      const { method, headers } = request;
      // The HTTP below sets its own length and host.
      const { 'content-length': _length, host: _host, ...signed } = headers;
      const answer = await http.send(
        { method, url: urlOf(request), headers: signed, body: piecesOf(request.body) },
        abortSignal,
      );
      const mostBytes = 'range' in headers ? undefined : MOST_UNRANGED_BYTES;
      const body = new PiecesBody([await http.readAll(answer, abortSignal, mostBytes)]);
      const plain = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as const);
      return { response: { statusCode: answer.statusCode ?? 0, headers: Object.fromEntries(plain), body } };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => http.close(),
  };
}

/** The query is encoded as it was signed: everything but unreserved characters, sorted by the client's own rules. */
function urlOf({ protocol, hostname, port, path, query = {} }: ClientRequest): URL {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `${strict(name)}=${strict(String(one ?? ''))}`),
  );
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
  url.pathname = path;
  url.search = pairs.join('&');
  return url;
}

function strict(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function piecesOf(body: unknown): readonly Uint8Array[] {
  if (body === undefined || body === null) return [];
  if (body instanceof PiecesBody) return body.pieces;
  if (typeof body === 'string') return [Buffer.from(body, 'utf8')];
  if (body instanceof Uint8Array) return [body];
  throw new TypeError('the client of the store sends a body of a kind that was not foreseen');
}
