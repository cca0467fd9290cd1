/** What is said where a store, or what answers in its place, says no. The texts are the user interface. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import { systemClock } from '../../../../shared/base/clock.ts';
import { silentLogger } from '../../../../shared/base/log.ts';
import { parseLocation } from '../../../../shared/domain/location.ts';
import { fromFsError } from '../../../../shared/repository/backend/fs-errors.ts';
import { fromNetworkError, fromStatus } from '../../../../shared/repository/backend/http-errors.ts';
import { openBackend } from '../../../../shared/repository/backend/open-backend.ts';
import { PATIENCE } from '../../../../shared/repository/backend/patience.ts';
import { fromS3Error } from '../../../../shared/repository/backend/s3-errors.ts';

const DOING = 'the file "config" could not be read from rest:https://nas:8000/';

const failed = (code: string, message: string): Error => Object.assign(new Error(message), { code });

test.each([
  [
    failed(
      'EPROTO',
      'write EPROTO 40DD:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:../tlsany_meth.c:77:\n',
    ),
    'what answers there does not speak TLS.',
    'Check the port, or write "http://" into the location if the store has no certificate.',
  ],
  [
    failed('HPE_INVALID_CONSTANT', 'Parse Error: Expected HTTP/, RTSP/ or ICE/'),
    'what answers there does not speak HTTP.',
    'Check the address and the port in the location.',
  ],
  [
    failed(
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    ),
    'its certificate is not trusted (self-signed certificate).',
    'If the store has a certificate of its own, name it with "caCertificateFile"; the address must be in it.',
  ],
])('of a line that is none, without the words of programmers: %s', (cause, why, advice) => {
  const { message, advice: said } = fromNetworkError(cause, DOING);
  expect([message, said]).toEqual([`${DOING.replace('the', 'The')}: ${why}`, advice]);
});

test('a redirect is told as what it is', () => {
  expect(fromStatus(301, DOING, { said: 'moved', to: 'https://nas:8443/config' })).toMatchObject({
    message: expect.stringContaining(
      ': the store sends to "https://nas:8443/config" (301), which is not followed. It says: moved.',
    ) as string,
    advice: 'Write the address that answers itself into the location.',
    retry: 'never',
  });
});

test('an answer that is none of S3 is told without the words of its client', () => {
  const noise =
    '@aws-sdk XML parse error: unexpected content.\n  Deserialization error: to see the raw response, inspect the hidden field {error}.$response on this object.';
  const cause = Object.assign(new Error(noise), { $metadata: { httpStatusCode: 400 } });
  expect(fromS3Error(cause, DOING).message).toBe(
    'The file "config" could not be read from rest:https://nas:8000/: the store answered 400.',
  );
  const refused = Object.assign(new Error(noise), { $metadata: { httpStatusCode: 403 } });
  expect(fromS3Error(refused, DOING).message).toMatch(/: access is refused \(403\)\.$/);
});

test('an answer without a name is told with its number', () => {
  const nameless = { name: 'Unknown', $metadata: { httpStatusCode: 301 } };
  expect(fromS3Error(Object.assign(new Error('UnknownError'), nameless), DOING).message).toMatch(
    /: the store belongs to another region, or sends to another address \(301\)\.$/,
  );
});

test('an access key that is not known may also be one of the AWS tools', () => {
  const cause = Object.assign(new Error('no'), { name: 'InvalidAccessKeyId', $metadata: { httpStatusCode: 403 } });
  expect(fromS3Error(cause, DOING).advice).toBe(
    'Check "accessKeyId" of the repository; where it has none, the keys of the AWS tools and of the environment count.',
  );
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-words-'));
});
afterEach(() => rm(folder, { recursive: true }));

test.each(['nothing of the kind\n', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
  'a file of certificates that holds none is named: %j',
  async (content) => {
    const caCertificateFile = join(folder, 'ca.pem');
    await writeFile(caCertificateFile, content);
    const ports = { logger: silentLogger, clock: systemClock, patience: PATIENCE.question };
    const options = { secret: undefined, caCertificateFile };
    await expect(openBackend(parseLocation('rest:https://127.0.0.1:1/'), options, ports, never)).rejects.toMatchObject({
      code: 'config.invalid',
      message: `The file of certificates "${caCertificateFile}" holds no certificate in PEM.`,
      advice: 'Name a file with certificates in PEM in "caCertificateFile" of the repository.',
    });
  },
);

test.each([
  ['EACCES', 'access is refused (EACCES).', 'owner and permissions'],
  ['EPERM', 'the system does not permit it (EPERM).', 'never to be changed'],
  ['EROFS', 'the file system is mounted read-only (EROFS).', 'can be written to'],
])('a file system that says %s has its own cause, and no other', (code, why, advice) => {
  const error = fromFsError(Object.assign(new Error(code), { code }), 'the folder "keys" could not be listed in /srv');
  expect(error.message).toBe(`The folder "keys" could not be listed in /srv: ${why}`);
  expect(error.advice).toContain(advice);
  expect(`${error.message} ${error.advice}`.includes('read-only')).toBe(code === 'EROFS');
});
