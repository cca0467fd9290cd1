/** The suite of backends over SFTP: a server of OpenSSH by itself, one that knows no extension, and a jail behind sshd. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { SftpPool } from '../../shared/remote/sftp/sftp-pool.ts';
import { createSftpBackend } from '../../shared/repository/backend/sftp.ts';
import { type BackendFixture, tamperInFolder } from '../support/backend-fixture.ts';
import { needing } from '../support/needing.ts';
import { type OddFiles, oddSftpServer } from '../support/remote/odd-sftp-server.ts';
import { whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { type SftpHost, startSftpHost } from '../support/remote/sftp-host.ts';
import { type SftpServerOptions, sftpServers, whyNoSftpServer } from '../support/remote/sftp-server.ts';
import { backendContract } from './backend.ts';

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

describe('without SSH', needing(noServer), () => {
  backendContract('SFTP', () => serverFixture());
  backendContract('SFTP, one channel and no extensions,', () =>
    serverFixture({ most: 1, args: ['-P', 'posix-rename,fsync,statvfs,limits'] }),
  );
});

/** Each channel has a server of its own, and all of them the same files. */
async function oddFixture(): Promise<BackendFixture> {
  const files: OddFiles = new Map([['/', undefined]]);
  const line = { start: async () => oddSftpServer(files).process, [Symbol.asyncDispose]: async () => undefined };
  const pool = new SftpPool({ host: 'odd', line, connections: 5, clock: systemClock });
  const backend = createSftpBackend(
    { folder: '/srv/deep/repository', location: 'sftp:odd:/srv/deep/repository' },
    pool,
  );
  return {
    backend,
    async tamper({ type, name }, change) {
      const inFolder = type === 'data' ? `data/${name.slice(0, 2)}/${name}` : `${type}/${name}`;
      const target = `/srv/deep/repository/${type === 'config' ? type : inFolder}`;
      const changed = change(files.get(target) ?? Buffer.alloc(0));
      if (changed === undefined) files.delete(target);
      else files.set(target, Buffer.from(changed));
    },
    [Symbol.asyncDispose]: () => backend.close(),
  };
}

backendContract('SFTP, with a server that keeps to the letter,', oddFixture);

describe('behind sshd', needing(noSshd), () => {
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
