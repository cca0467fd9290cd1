/** The suite of backends over SFTP: a server of OpenSSH by itself, one that knows no extension, and a jail behind sshd. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { createSftpBackend } from '../../shared/repository/backend/sftp.ts';
import { type BackendFixture, tamperInFolder } from '../support/backend-fixture.ts';
import { whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { type SftpHost, startSftpHost } from '../support/remote/sftp-host.ts';
import { type SftpServerOptions, sftpServers, whyNoSftpServer } from '../support/remote/sftp-server.ts';
import { backendContract } from './backend.ts';

function because(whyNot: string | undefined): string {
  return whyNot === undefined ? '' : `, skipped: ${whyNot}`;
}

async function serverFixture(options: SftpServerOptions = {}): Promise<BackendFixture> {
  const folder = await mkdtemp(path.join(tmpdir(), 'stillpoint-sftp-'));
  const repository = path.join(folder, 'repository');
  const backend = createSftpBackend(
    { folder: repository, location: `sftp:here:${repository}` },
    sftpServers(options).pool,
  );
  return {
    backend,
    tamper: tamperInFolder(repository),
    async [Symbol.asyncDispose]() {
      await backend.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const noServer = whyNoSftpServer();
const noSshd = await whyNoPrivateSshd();

describe.skipIf(noServer !== undefined)(`without SSH${because(noServer)}`, () => {
  backendContract('SFTP', () => serverFixture());
  backendContract('SFTP, one channel and no extensions,', () =>
    serverFixture({ most: 1, args: ['-P', 'posix-rename,fsync,statvfs,limits'] }),
  );
});

describe.skipIf(noSshd !== undefined)(`behind sshd${because(noSshd)}`, () => {
  let host: SftpHost;
  let made = 0;
  beforeAll(async () => {
    host = await startSftpHost();
  });
  afterAll(() => host[Symbol.asyncDispose]());

  backendContract('SFTP in a jail', async () => {
    const folder = `/store/${made++}`;
    const backend = await host.open('jail', folder);
    return {
      backend,
      tamper: tamperInFolder(path.join(host.jailFolder, folder)),
      [Symbol.asyncDispose]: () => backend.close(),
    };
  });
});
