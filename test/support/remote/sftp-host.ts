/**
 * A real sshd with SFTP and two accounts, `ann` with an ordinary login and `jail` who is locked into a folder by
 * internal-sftp, and a proxy before it that can cut the connection. Both accounts' files lie on this machine.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Logger } from '../../../shared/base/log.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import type { SftpPorts } from '../../../shared/remote/sftp/connect-sftp.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { openSftpBackend, type SftpPlace } from '../../../shared/repository/backend/sftp.ts';
import { type CuttableProxy, startCuttableProxy } from '../../lab/cuttable-proxy.ts';
import { portsOf } from './people.ts';
import { type PrivateSshd, type SshdOptions, startPrivateSshd } from './private-sshd.ts';

export interface SftpHost extends AsyncDisposable {
  readonly sshd: PrivateSshd;
  readonly proxy: CuttableProxy;
  /** What `jail` sees as "/". It may write in `/store` alone. */
  readonly jailFolder: string;
  /** The home folder of `ann`. */
  readonly home: string;
  /** A client configuration that leads through the proxy. */
  readonly proxiedConfig: string;
  open(account: string, folder: string, more?: OpenMore): Promise<Backend>;
}

interface OpenMore {
  readonly proxied?: boolean;
  readonly logger?: Logger;
  readonly place?: Partial<SftpPlace>;
  readonly ports?: Partial<SftpPorts>;
  readonly signal?: AbortSignal;
}

export async function startSftpHost(options: Partial<SshdOptions> = {}): Promise<SftpHost> {
  // sshd locks no user into a folder that others than root can write above, so /tmp will not do.
  const jailFolder = await mkdtemp('/run/stillpoint-jail-');
  await execa('chmod', ['755', jailFolder]);
  const sshd = await startPrivateSshd({
    accounts: [
      { name: 'ann', shell: '/bin/bash' },
      { name: 'jail', shell: '/usr/sbin/nologin' },
    ],
    config: ['Subsystem sftp internal-sftp'],
    matches: [`Match User jail`, `ChrootDirectory ${jailFolder}`, 'ForceCommand internal-sftp'],
    ...options,
  });
  await mkdir(join(jailFolder, 'store'));
  await execa('chown', ['7002:7002', join(jailFolder, 'store')]);
  const proxy = await startCuttableProxy(['nc', '127.0.0.1', String(sshd.port)]);
  const proxiedConfig = await sshd.writeClientConfig(
    [`Port ${proxy.port}`, `UserKnownHostsFile ${sshd.folder}/proxied`],
    'proxied-config',
  );
  const known = await readFile(join(sshd.folder, 'known_hosts'), 'utf8');
  await writeFile(join(sshd.folder, 'proxied'), known.replaceAll(`:${sshd.port}`, `:${proxy.port}`));
  return {
    sshd,
    proxy,
    jailFolder,
    home: join(sshd.folder, 'home/ann'),
    proxiedConfig,
    open(account, folder, { proxied = false, logger = silentLogger, place, ports, signal } = {}) {
      const sshConfigFile = proxied ? proxiedConfig : join(sshd.folder, 'config');
      const host = { name: account, ssh: account, sshConfigFile };
      return openSftpBackend(
        { host, folder, location: `sftp:${account}:${folder}`, ...place },
        { ...portsOf(sshd), prompter: () => undefined, logger, ...ports },
        signal ?? AbortSignal.timeout(30_000),
      );
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await sshd[Symbol.asyncDispose]();
      await rm(jailFolder, { recursive: true, force: true });
    },
  };
}
