/**
 * A lease while content is being read over a line that is slower than the lease allows for, and from a server that
 * allows one session on a connection: with a connection of its own it lives, on the connection of the content it dies.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { newRunId, ownerId } from '../../shared/domain/names.ts';
import { openLeaseLine } from '../../shared/pipeline/backup/lease-line.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { acquireLease, type Lease } from '../../shared/snapshot/host/lease.ts';
import { REGISTRY } from '../../shared/snapshot/registry.ts';
import { type CuttableProxy, startCuttableProxy } from '../lab/cuttable-proxy.ts';
import { type LocalSshd, startLocalSshd } from '../lab/local-sshd.ts';
import { writeSshConfig } from '../lab/open-ssh.ts';
import { needing } from '../support/needing.ts';
import { aStream } from '../support/remote/commands.ts';
import { whyNoNamespaceHost } from '../support/snapshot/namespace-host.ts';
import { type PaperHost, startPaperHost } from '../support/snapshot/paper-lvm.ts';

const whyNot = await whyNoNamespaceHost();

const LEASE_SECONDS = 6;
/** 0.8 Mbit/s. */
const SLOW = 100_000;

describe.each([
  ['a slow line', 'MaxSessions 10', SLOW],
  ['a server with one session a connection', 'MaxSessions 1', undefined],
])('a lease over %s', needing(whyNot), (_what, config, bytesPerSecond) => {
  let paper: PaperHost;
  let sshd: LocalSshd;
  let proxy: CuttableProxy;

  beforeAll(async () => {
    paper = await startPaperHost('dash');
    sshd = await startLocalSshd({ configLines: [config] }, never);
    // A server of its own for each connection, inside the paper host.
    const server = ['/usr/sbin/sshd', '-i', '-f', join(sshd.directory, 'sshd_config'), '-E', sshd.logFile];
    await paper.sh('mkdir -p /run/sshd');
    proxy = await startCuttableProxy(['nsenter', ...paper.enter, '--', ...server]);
    const [key = ''] = sshd.hostPublicKeys;
    const knownHosts = join(sshd.directory, 'known_hosts_slow');
    await writeFile(knownHosts, `[127.0.0.1]:${proxy.port} ${key}\n`);
    await writeSshConfig(join(sshd.directory, 'slow'), [
      {
        name: 'slow',
        options: {
          HostName: '127.0.0.1',
          Port: String(proxy.port),
          User: 'root',
          IdentityFile: sshd.identityFile,
          IdentitiesOnly: 'yes',
          UserKnownHostsFile: knownHosts,
        },
      },
    ]);
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
    await paper?.[Symbol.asyncDispose]();
  });
  beforeEach(() => proxy.limit(undefined));

  const connect = (): Promise<RemoteHost> =>
    connectHost(
      { name: 'slow', ssh: 'slow', sshConfigFile: join(sshd.directory, 'slow'), sudo: 'none' },
      { prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined, homeFolder: '/root' },
      never,
    );
  const acquire = (host: RemoteHost): Promise<Lease> =>
    acquireLease(
      { run: newRunId(), owner: ownerId('00112233aabb'), leaseSeconds: LEASE_SECONDS, mounts: 1, holds: 0 },
      { host, scripts: REGISTRY.scripts, clock: systemClock, logger: silentLogger, onReleaseFailed: () => undefined },
      never,
    );
  /** Reads for more than a lease and a half. */
  const readLong = async (host: RemoteHost, lease: Lease): Promise<void> => {
    const seconds = Math.round(LEASE_SECONDS * 1.7);
    const content =
      bytesPerSecond === undefined
        ? `sleep ${seconds}`
        : `dd if=/dev/urandom bs=1000 count=${(SLOW / 1000) * seconds} 2>/dev/null`;
    proxy.limit(bytesPerSecond);
    await using stream = await host.stream(aStream(content), undefined, lease.signal);
    stream.output.resume();
    await stream.finished;
  };

  test('lives with a connection of its own', async () => {
    await using host = await connect();
    await using line = await openLeaseLine(host, { openHost: connect, emit: () => undefined }, never);
    await using lease = await acquire(line);
    await readLong(host, lease);
    await lease.renew(never);
    expect(lease.signal.aborted).toBe(false);
  });

  if (bytesPerSecond === undefined) return;
  test('dies on the connection of the content', async () => {
    await using host = await connect();
    const codes: string[] = [];
    const emit = (event: { type: string; code?: string }): void => void codes.push(event.code ?? event.type);
    const nobody = (): Promise<RemoteHost> => Promise.reject(new Error('one password, one login'));
    await using line = await openLeaseLine(host, { openHost: nobody, emit }, never);
    expect(codes).toEqual(['internal.unexpected']);
    await using lease = await acquire(line);
    await readLong(host, lease).catch(() => undefined);
    proxy.limit(undefined);
    await expect(lease.renew(never)).rejects.toMatchObject({ code: 'snapshot.lease-lost' });
  });
});
