/** SFTP over a real sshd: a connection that is cut under a backup, and everything that a server can refuse. */
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { createLogger } from '../../shared/base/log.ts';
import { PATIENCE } from '../../shared/repository/backend/patience.ts';
import { withRetries } from '../../shared/repository/backend/retry.ts';
import { createSftpBackend } from '../../shared/repository/backend/sftp.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { encodeTree } from '../../shared/repository/format/tree.ts';
import type { BlobId } from '../../shared/repository/ids.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { timestampFromDate } from '../../shared/repository/timestamp.ts';
import { mountTmpfs } from '../lab/tmpfs.ts';
import { whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { type SftpHost, startSftpHost } from '../support/remote/sftp-host.ts';
import { sftpServers } from '../support/remote/sftp-server.ts';
import { resticFinds, resticOk } from '../support/restic.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const whyNot = await whyNoPrivateSshd();
let signal: AbortSignal;
const BLOBS = 3000;
const CUTS = 5;
/** And one more cut while it is read. */
const WHOLE = {
  cuts: CUTS + 1,
  findings: [] as unknown[],
  restic: [] as string[],
  isListed: true,
  leftovers: [] as string[],
};

describe('SFTP', () => {
  let host: SftpHost;
  beforeAll(async () => {
    if (whyNot === undefined) host = await startSftpHost();
  });
  afterAll(async () => {
    if (whyNot === undefined) await host[Symbol.asyncDispose]();
  });
  beforeEach(({ skip }) => {
    signal = AbortSignal.timeout(200_000);
    if (whyNot !== undefined) skip(whyNot);
    host.proxy.resume();
  });

  test('a backup survives five cuts of the connection, and restic finds it whole', async () => {
    expect(await backUpThroughCuts('cut')).toEqual(WHOLE);
  });

  test('and ten times more, cut at other moments', { timeout: 400_000 }, async ({ skip }) => {
    skip(process.env['STILLPOINT_CUTS'] !== 'all', 'ten rounds take minutes; STILLPOINT_CUTS=all goes through them');
    for (let round = 0; round < 10; round += 1) expect(await backUpThroughCuts(`cut-${round}`)).toEqual(WHOLE);
  });

  /** What is left of a repository that was written, and then read, while the connection was cut. */
  async function backUpThroughCuts(name: string): Promise<typeof WHOLE> {
    const signal = AbortSignal.timeout(120_000);
    const folder = join(host.home, name);
    let reconnects = 0;
    let repeats = 0;
    const logger = createLogger(({ message }) => {
      if (message.includes('Connecting again')) reconnects += 1;
      if (message.includes('made again')) repeats += 1;
    });
    const policy = { tries: 12, budgetMs: 60_000, refusedMs: 60_000, firstWaitMs: 20, longestWaitMs: 500 };
    const opened = await host.open('ann', folder, { proxied: true, logger });
    const backend = withRetries(opened, { clock: systemClock, logger, policy });
    await using repository = await createTestRepository(backend);
    await using lock = await repository.lock('shared', signal);
    await using writer = await repository.openWriter(lock, { workers: 2, packSizeBytes: 1024 * 1024 });

    let cuts = 0;
    const plan = (): void => {
      expect(reconnects, 'each cut has fired before the next is planned').toBe(cuts);
      cuts += 1;
    };
    /** Cuts once so many more bytes have passed; the caller makes them pass. */
    const cutIn = (bytes: number): void => {
      plan();
      host.proxy.cutAfterBytes(bytes);
    };
    /** A connection that is only being made cannot be cut in the middle of something. */
    const allCut = async (): Promise<void> => {
      await expect.poll(() => reconnects, { timeout: 20_000 }).toBe(cuts);
      await backend.stat({ type: 'config', name: '' }, signal);
    };
    const puts: Promise<{ readonly id: BlobId }>[] = [];
    for (let n = 0; n < BLOBS; n += 1) {
      if (n === 100 || n === 2100) cutIn(randomInt(3_000_000));
      if (n === 1100) {
        // And the host cannot be reached for a while.
        plan();
        host.proxy.refuse();
        host.proxy.cut();
        setTimeout(() => host.proxy.resume(), 500);
      }
      const { saved } = await writer.put('data', randomBytes(10_000), signal);
      saved.catch(() => undefined);
      puts.push(saved);
      if (n === 1000 || n === 2000) await allCut();
    }
    await allCut();
    const content = (await Promise.all(puts)).map(({ id }) => id);
    const time = timestampFromDate(new Date());
    const common = { mtime: time, atime: time, ctime: time, uid: 0, gid: 0, user: 'root', group: 'root', links: 1 };
    const facts = { name: Buffer.from('file'), type: 'file', mode: 0o644, size: BLOBS * 10_000, content } as const;
    const { saved } = await writer.put('tree', encodeTree([{ ...common, ...facts }]), signal);
    saved.catch(() => undefined);
    cutIn(randomInt(20_000));
    await writer.flush(signal);
    await allCut();
    cutIn(randomInt(600));
    await repository.saveRestorePoint({ time, tree: (await saved).id, paths: ['/'], hostname: 'db1' }, lock, signal);
    await allCut();
    expect([cuts, reconnects]).toEqual([CUTS, CUTS]);
    expect(repeats).toBeGreaterThanOrEqual(CUTS);
    await lock[Symbol.asyncDispose]();

    // What is read through one more cut is believed only when it is proved.
    let isCut = false;
    const read = await openRepository(backend, PASSWORD, signal);
    const onProgress = (): void => {
      if (!isCut) cutIn(randomInt(2_000_000));
      isCut = true;
    };
    const { findings } = await verifyRepository(read, { signal, onProgress });
    // A session that was cut off may open its file after we cleaned up behind it: a warning, and such files are never read.
    const stored = await readdir(folder, { recursive: true });
    return {
      cuts: reconnects,
      findings: findings.filter(({ message }) => !message.startsWith('Temporary files of interrupted writes')),
      restic: await resticFinds(folder, '--read-data'),
      isListed: (await resticOk(folder, 'ls', 'latest')).includes('/file'),
      leftovers: stored.filter((path) => path.startsWith('locks/')),
    };
  }

  describe('says what is wrong', () => {
    const FILE = { type: 'index', name: 'ab'.repeat(32) } as const;
    const coded = (code: string, words: RegExp): object => ({
      code,
      message: expect.stringMatching(words) as string,
    });

    test('when the disk of the host is full, and leaves nothing behind', async () => {
      await using small = await mountTmpfs({ sizeBytes: 2 * 1024 * 1024 });
      const place = { folder: join(small.path, 'repository'), location: 'sftp:ann:repository' };
      await using backend = createSftpBackend(place, sftpServers().pool);
      await backend.prepare(signal);
      const before = await readdir(small.path, { recursive: true });
      const logger = createLogger(({ message }) => expect(message).not.toContain('made again'));
      const retrying = withRetries(backend, { clock: systemClock, logger, policy: PATIENCE.job });
      await expect(retrying.save(FILE, [randomBytes(3_000_000)], signal)).rejects.toMatchObject(
        coded('backend.no-space', /Index abababab could not be written in sftp:ann:.*no room left/),
      );
      expect(await readdir(small.path, { recursive: true })).toEqual(before);
      await backend.save(FILE, [randomBytes(100_000)], signal);
    });

    test('when access is refused', async () => {
      const folder = join(host.home, 'denied');
      await using backend = await host.open('ann', folder);
      await backend.prepare(signal);
      await backend.save(FILE, [Buffer.from('x')], signal);
      await execa('chown', ['-R', 'root', folder]);
      await chmod(folder, 0o755);
      await chmod(join(folder, 'index'), 0o755);
      const denied = coded('backend.denied', /access is refused/);
      await expect(backend.save({ ...FILE, name: 'cd'.repeat(32) }, [], signal)).rejects.toMatchObject(denied);
      await expect(backend.load(FILE, undefined, signal)).rejects.toMatchObject(denied);
      await expect(backend.remove(FILE, signal)).rejects.toMatchObject(denied);
      await expect(host.open('jail', 'elsewhere').then((jail) => jail.prepare(signal))).rejects.toMatchObject(denied);
    });

    test('when there is no repository, or a file stands in its way', async () => {
      await using backend = await host.open('ann', join(host.home, 'nothing'));
      await expect(openRepository(backend, PASSWORD, signal)).rejects.toMatchObject(
        coded('repository.not-found', /no repository at sftp:ann:.*: there is no such folder\.$/),
      );
      await writeFile(join(host.home, 'a-file'), 'x');
      await using file = await host.open('ann', join(host.home, 'a-file'));
      await expect(openRepository(file, PASSWORD, signal)).rejects.toMatchObject(
        coded('repository.not-found', /a-file: it is not a folder\.$/),
      );
      await mkdir(join(host.home, 'full', 'photos'), { recursive: true });
      await using full = await host.open('ann', join(host.home, 'full'));
      await expect(openRepository(full, PASSWORD, signal)).rejects.toMatchObject(
        coded('repository.not-found', /full: the folder holds "photos", and no file "config"\.$/),
      );
      await expect(file.prepare(signal)).rejects.toMatchObject({ code: 'backend.failed' });
      await expect(backend.save(FILE, [], signal)).rejects.toMatchObject({ code: 'backend.not-found' });
    });

    test('when the key of the host is another one, before anything is sent', async () => {
      const changed = join(host.sshd.folder, 'changed');
      const [type = '', key = ''] = (host.sshd.hostKeys[0] ?? '').split(' ');
      const other = Buffer.from(key, 'base64');
      other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
      await writeFile(changed, `[127.0.0.1]:${host.sshd.port} ${type} ${other.toString('base64')}\n`);
      const config = await host.sshd.writeClientConfig([`UserKnownHostsFile ${changed}`], 'changed-config');
      const place = { host: { name: 'ann', ssh: 'ann', sshConfigFile: config } };
      await expect(host.open('ann', 'x', { place })).rejects.toMatchObject({ code: 'ssh.host-key-changed' });
      await writeFile(changed, '');
      await expect(host.open('ann', 'x', { place })).rejects.toMatchObject({ code: 'ssh.host-key-unknown' });
    });

    test('when the host does not answer, refuses the login, or offers no SFTP', async () => {
      host.proxy.refuse();
      await expect(host.open('ann', 'x', { proxied: true })).rejects.toMatchObject({ code: 'ssh.unreachable' });
      const place = {
        host: { name: 'ann', ssh: 'ann', user: 'nobody-here', sshConfigFile: `${host.sshd.folder}/config` },
      };
      await expect(host.open('ann', 'x', { place })).rejects.toMatchObject({ code: 'ssh.auth-failed' });
      await using without = await startSftpHost({ config: [] });
      await expect(without.open('ann', 'x')).rejects.toMatchObject(coded('ssh.noise', /does not offer file transfer/));
    });

    test('when a startup file of the account prints into the transfer', async () => {
      await using noisy = await startSftpHost({
        accounts: [{ name: 'ann', shell: '/bin/bash', files: { '.bashrc': 'echo Welcome to this host' } }],
        config: ['Subsystem sftp /usr/lib/openssh/sftp-server'],
      });
      await expect(noisy.open('ann', 'x')).rejects.toMatchObject(coded('ssh.noise', /"Welcome to this host/));
    });
  });

  test('works with one channel where the server allows no more', async () => {
    await using few = await startSftpHost({ config: ['Subsystem sftp internal-sftp', 'MaxSessions 1'] });
    await using backend = await few.open('ann', 'repository');
    await backend.prepare(signal);
    const saves = Array.from({ length: 12 }, (_, n) => ({ type: 'data', name: `${n}`.padStart(64, 'f') }) as const);
    await Promise.all(saves.map((file) => backend.save(file, [Buffer.from(file.name)], signal)));
    const loaded = await Promise.all(saves.map((file) => backend.load(file, undefined, signal)));
    expect(loaded.map(String)).toEqual(saves.map(({ name }) => name));
  });

  test('a slow line is not taken for a dead one', async () => {
    await using line = await slowLine(host.sshd.port, 1024 * 1024);
    const { folder } = host.sshd;
    const known = await readFile(join(folder, 'known_hosts'), 'utf8');
    await writeFile(join(folder, 'slow'), known.replaceAll(`:${host.sshd.port}`, `:${line.port}`));
    const lines = [`Port ${line.port}`, `UserKnownHostsFile ${folder}/slow`];
    const sshConfigFile = await host.sshd.writeClientConfig(lines, 'slow-config');
    await using backend = await host.open('ann', 'slow', {
      place: { host: { name: 'ann', ssh: 'ann', sshConfigFile } },
      // An answer to a question of ours waits for seconds behind what was sent before it.
      ports: { keepAlive: { intervalMs: 200, count: 4 } },
    });
    await backend.prepare(signal);
    const content = randomBytes(2_500_000);
    const names = ['a', 'b', 'c'].map((digit) => digit.repeat(64));
    await Promise.all(names.map((name) => backend.save({ type: 'data', name }, [content], signal)));
    expect(line.connections()).toBe(1);
    const stored = await readFile(join(host.home, 'slow/data/cc', 'c'.repeat(64)));
    expect(stored.equals(content)).toBe(true);
  });

  test('ends a call at once when the signal fires, though the host is silent', async () => {
    await using backend = await host.open('ann', 'silent', { proxied: true });
    await backend.prepare(signal);
    host.proxy.stall();
    const stop = new AbortController();
    const reason = new Error('stop');
    const file = { type: 'data', name: 'ab'.repeat(32) } as const;
    const calls = [
      backend.save(file, [randomBytes(1_000_000)], stop.signal),
      backend.stat(file, stop.signal),
      Array.fromAsync(backend.list('data', stop.signal)),
    ];
    setTimeout(() => stop.abort(reason), 100);
    for (const call of calls) await expect(call).rejects.toBe(reason);
    // The line comes back, and nothing half-way is left under a name that is read.
    host.proxy.resume();
    await expect.poll(() => readdir(join(host.home, 'silent/data/ab'))).toEqual([]);
    await backend.save(file, [Buffer.from('x')], signal);
    expect(await readdir(join(host.home, 'silent/data/ab'))).toEqual([file.name]);
  });
});

/** A line to a port of this machine that takes so many bytes a second from us. */
async function slowLine(
  port: number,
  bytesPerSecond: number,
): Promise<AsyncDisposable & { readonly port: number; connections(): number }> {
  let connections = 0;
  const server = createServer((near) => {
    connections += 1;
    const far = connect(port, '127.0.0.1');
    near.on('data', (chunk) => {
      near.pause();
      far.write(chunk);
      setTimeout(() => near.resume(), (chunk.length / bytesPerSecond) * 1000);
    });
    far.on('data', (chunk) => near.write(chunk));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}
