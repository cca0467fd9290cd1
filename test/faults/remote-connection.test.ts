/** What happens to commands when the connection breaks, is slow, or lies: a real sshd behind a proxy that can be cut. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import type { HostPorts } from '../../shared/remote/connect-host.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import type { CuttableProxy } from '../lab/cuttable-proxy.ts';
import { startCuttableProxy } from '../lab/cuttable-proxy.ts';
import { aCommand, aStream } from '../support/remote/commands.ts';
import { addressOf, portsOf } from '../support/remote/people.ts';
import type { PrivateSshd } from '../support/remote/private-sshd.ts';
import { startPrivateSshd, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';

const whyNot = await whyNoPrivateSshd();
const GIB = 1024 * 1024 * 1024;

describe('a connection', () => {
  let sshd: PrivateSshd;
  let proxy: CuttableProxy;
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    sshd = await startPrivateSshd({ accounts: [{ name: 'ann', shell: '/bin/bash' }] });
    proxy = await startCuttableProxy(['nc', '127.0.0.1', String(sshd.port)]);
    await sshd.writeClientConfig([`Port ${proxy.port}`, `UserKnownHostsFile ${sshd.folder}/proxied`]);
    const known = await readFile(join(sshd.folder, 'known_hosts'), 'utf8');
    await writeFile(join(sshd.folder, 'proxied'), known.replace(`:${sshd.port}`, `:${proxy.port}`));
  });
  afterAll(async () => {
    if (whyNot !== undefined) return;
    await proxy[Symbol.asyncDispose]();
    await sshd[Symbol.asyncDispose]();
  });
  beforeEach(({ skip }) => {
    if (whyNot !== undefined) skip(whyNot);
    proxy.resume();
  });

  async function connect(more: Partial<HostPorts> = {}): Promise<RemoteHost> {
    return await connectHost(addressOf(sshd, 'ann'), portsOf(sshd, more), never);
  }

  test('that is cut ends everything on it, and the next command makes a new one', async () => {
    await using host = await connect();
    await using stream = await host.stream(aStream('cat /dev/zero'), undefined, never);
    const marks = join(sshd.folder, 'home/ann/marks');
    await rm(marks, { force: true });
    const running = host.run(aCommand(`echo x > '${marks}'; sleep 60`), never);
    await marked(marks);
    stream.output.once('data', () => proxy.cut());
    stream.output.resume();
    await expect(running).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    await expect(stream.finished).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    expect((await host.run(aCommand('echo again'), never)).stdout.toString()).toBe('again\n');
  });

  test('that is cut runs a repeatable command again and no other', async () => {
    await using host = await connect();
    const marks = join(sshd.folder, 'home/ann/marks');
    const command = (repeatable: boolean): ReturnType<typeof aCommand> =>
      aCommand(`cd '${dirname(marks)}'; echo x >> marks; [ "$(wc -l < marks)" -ge 2 ] || sleep 60; echo done`, {
        repeatable,
      });
    await rm(marks, { force: true });
    const lost = host.run(command(false), never);
    await marked(marks);
    proxy.cut();
    await expect(lost).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    await rm(marks, { force: true });
    const repeated = host.run(command(true), never);
    await marked(marks);
    proxy.cut();
    expect((await repeated).stdout.toString()).toBe('done\n');
  });

  test('cut after any number of bytes never gives a short answer for a whole one', async () => {
    const expected = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join('');
    const outcomes = new Set<string>();
    for (let bytes = 500; bytes < 400_000; bytes = Math.round(bytes * 1.7)) {
      await using host = await connect();
      proxy.cutAfterBytes(bytes);
      const outcome = await host.run(aCommand('seq 1 20000'), never).then(
        (output) => (output.stdout.toString() === expected ? 'whole' : 'WRONG'),
        (error: { code: string }) => error.code,
      );
      proxy.resume();
      outcomes.add(outcome);
    }
    expect([...outcomes].toSorted()).toEqual(['ssh.connection-lost', 'whole']);
  });

  test('that goes silent is noticed by the keep-alive', async () => {
    await using host = await connect({ keepAlive: { intervalMs: 100, count: 3 } });
    const marks = join(sshd.folder, 'home/ann/marks');
    await rm(marks, { force: true });
    const running = host.run(aCommand(`echo x > '${marks}'; sleep 60`), never);
    await marked(marks);
    proxy.stall();
    await expect(running).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    proxy.resume();
    expect((await host.run(aCommand('echo awake'), never)).stdout.toString()).toBe('awake\n');
  });

  test('that cannot be made again says so after a few tries', async () => {
    await using host = await connect();
    proxy.refuse();
    proxy.cut();
    await expect(host.run(aCommand('echo x'), never)).rejects.toMatchObject({ code: 'ssh.unreachable' });
  });

  test('carries 1 GiB within bounded memory', async () => {
    await using host = await connect();
    await using stream = await host.stream(aStream('head -c 1073741824 /dev/zero'), undefined, never);
    const before = process.memoryUsage().rss;
    let most = 0;
    let length = 0;
    for await (const chunk of stream.output) {
      length += (chunk as Buffer).length;
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect([length, (await stream.finished).bytes]).toEqual([GIB, GIB]);
    expect(most).toBeLessThan(200_000_000);
  });

  test('does not run ahead of a reader that stops', async () => {
    await using host = await connect();
    const before = proxy.bytesPassed();
    await using stream = await host.stream(aStream('head -c 200000000 /dev/zero'), undefined, never);
    const chunks = stream.output[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
    const first: IteratorResult<Buffer, undefined> = await chunks.next();
    let length = first.value?.length ?? 0;
    const settled = (await quiet(() => proxy.bytesPassed())) - before;
    expect(settled).toBeLessThan(40_000_000);
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) length += next.value.length;
    expect(length).toBe(200_000_000);
  });

  test('does not take more input than the host reads', async () => {
    await using host = await connect();
    let sent = 0;
    const chunk = Buffer.alloc(65_536);
    const input = (async function* () {
      for (let index = 0; index < 1000; index += 1) {
        sent += chunk.length;
        yield chunk;
      }
    })();
    const held = join(sshd.folder, 'home/ann/go');
    await rm(held, { force: true });
    await using stream = await host.stream(aStream(`until [ -e '${held}' ]; do sleep 0.1; done; wc -c`), input, never);
    const answer = stream.output.toArray();
    expect(await quiet(() => sent)).toBeLessThan(16_000_000);
    await host.run(aCommand(`touch '${held}'`), never);
    expect(
      Buffer.concat((await answer) as Buffer[])
        .toString()
        .trim(),
    ).toBe('65536000');
  });
});

async function marked(file: string): Promise<void> {
  await expect.poll(async () => await readFile(file, 'utf8').catch(() => ''), { timeout: 10_000 }).toContain('x');
}

/** Waits until a number has stopped growing, and gives it. */
async function quiet(read: () => number): Promise<number> {
  let last = -1;
  await expect
    .poll(
      () => {
        const now = read();
        const isQuiet = now === last;
        last = now;
        return isQuiet;
      },
      { interval: 300, timeout: 20_000 },
    )
    .toBe(true);
  return last;
}
