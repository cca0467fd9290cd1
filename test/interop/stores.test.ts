/** One repository for restic and us, behind a REST server with a login over TLS, and in an S3 store. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { parseLocation, type S3Location } from '../../shared/domain/location.ts';
import { createThrottle } from '../../shared/repository/backend/limit.ts';
import { createRestBackend } from '../../shared/repository/backend/rest.ts';
import { createS3Backend } from '../../shared/repository/backend/s3.ts';
import { ownCertificate } from '../support/stores/certificate.ts';
import { NO_RCLONE, startRclone } from '../support/stores/rclone.ts';
import { BUCKET, KEYS, startS3rver } from '../support/stores/s3rver.ts';
import { resticReadsOurs, weReadRestics } from '../support/stores/shared-with-restic.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const common = { connections: 5, throttle: createThrottle({}, systemClock) };

describe('a repository that restic and we share', () => {
  it('behind rclone serve restic', async ({ skip }) => {
    if (NO_RCLONE !== undefined) skip(NO_RCLONE);
    await using folder = await temporaryFolder();
    const certificate = await ownCertificate(folder.path);
    const login = { user: 'me', password: 'rest-violet-door' };
    await using server = await startRclone(join(folder.path, 'stored'), { login, certificate });
    const caCertificates = await readFile(certificate.certificateFile, 'utf8');
    const place = {
      open: () => createRestBackend(server.locationOf('main'), { ...common, ...login, caCertificates }),
      location: `rest:${server.url.replace('://', `://${login.user}:${login.password}@`)}main/`,
      options: ['--cacert', certificate.certificateFile],
    };
    expect(await weReadRestics(place, await resticReadsOurs(place))).toEqual([]);
  });

  /** s3rver stores what restic sends with the marks of its parts in it, so the way back is tested in `test/ceph`. */
  it('in an S3 store', async () => {
    await using folder = await temporaryFolder();
    await using server = await startS3rver(folder.path);
    const url = `s3:http://127.0.0.1:${server.port}/${BUCKET}/main`;
    const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = KEYS;
    const place = {
      open: () => createS3Backend(parseLocation(url) as S3Location, { ...common, keys: KEYS }),
      location: url,
      env: { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
    };
    expect(await resticReadsOurs(place)).toMatch(/^[0-9a-f]{64}$/);
  });
});
