/**
 * What every Transport has to do, over each of them: a real sshd, the local machine, and both again behind the recorder.
 */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { type Carrier, connectSession } from '../../shared/remote/connect-session.ts';
import { createLocalTransport } from '../../shared/remote/local.ts';
import { createSshTransport } from '../../shared/remote/ssh/ssh-transport.ts';
import type { RemoteProcess, Transport } from '../../shared/remote/transport.ts';
import type { PrivateSshd } from '../support/remote/private-sshd.ts';
import { startPrivateSshd, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { recordTransport } from '../support/remote/recording.ts';

const whyNot = await whyNoPrivateSshd();
let sshd: PrivateSshd;
beforeAll(async () => {
  if (whyNot === undefined) sshd = await startPrivateSshd({ accounts: [{ name: 'plain', shell: '/bin/sh' }] });
});
afterAll(async () => {
  if (whyNot === undefined) await sshd[Symbol.asyncDispose]();
});

function overSsh(carrier: Carrier, alias = 'plain'): Transport {
  const question = { alias, configFile: `${sshd.folder}/config`, homeFolder: sshd.folder };
  const ports = { prompter: undefined, logger: silentLogger, agentSocket: undefined, homeFolder: sshd.folder, carrier };
  return createSshTransport({
    host: alias,
    logger: silentLogger,
    clock: systemClock,
    connect: (signal) => connectSession(question, ports, signal),
  });
}

const transports = [
  { name: 'local', open: createLocalTransport, needs: undefined },
  { name: 'recorded local', open: () => recordTransport(createLocalTransport()), needs: undefined },
  { name: 'OpenSSH', open: () => overSsh('openssh'), needs: whyNot },
  { name: 'ssh2', open: () => overSsh('ssh2'), needs: whyNot },
  { name: 'recorded OpenSSH', open: () => recordTransport(overSsh('openssh')), needs: whyNot },
];

for (const { name, open, needs } of transports) {
  describe(`transport: ${name}`, () => {
    beforeEach(({ skip }) => {
      if (needs !== undefined) skip(needs);
    });

    test('runs a command line and keeps its two outputs apart', async () => {
      await using transport = open();
      const process = await transport.start('echo out; echo err >&2; exit 3', never);
      const [out, err, status] = await Promise.all([text(process.stdout), text(process.stderr), process.exited]);
      expect([out, err, status.code]).toEqual(['out\n', 'err\n', 3]);
    });

    test('tells the end by a signal', async () => {
      await using transport = open();
      const process = await transport.start('kill -9 $$', never);
      const status = await process.exited;
      // A shell that starts another shell for the line reports the signal as 128 + 9.
      expect(status.signal === 'SIGKILL' || status.code === 137).toBe(true);
    });

    test('carries bytes untouched in both directions', async () => {
      await using transport = open();
      const bytes = Buffer.alloc(300_000, Buffer.from(Array.from({ length: 256 }, (_, index) => index)));
      const process = await transport.start('exec cat', never);
      const back = collect(process);
      process.stdin.end(bytes);
      expect((await back).equals(bytes)).toBe(true);
    });

    test('closing the input is an end of file over there', async () => {
      await using transport = open();
      const process = await transport.start('cat >/dev/null; echo done', never);
      process.stdin.end('x');
      expect(await text(process.stdout)).toBe('done\n');
    });

    test('does not fetch what nobody reads', async () => {
      await using transport = open();
      const process = await transport.start('head -c 60000000 /dev/zero; echo finished >&2', never);
      const finished = text(process.stderr);
      const first = await once(process.stdout, 'readable').then(() => process.stdout.read() as Buffer | null);
      const status = await Promise.race([process.exited, later(1500)]);
      expect(status).toBe('still running');
      let length = first?.length ?? 0;
      for await (const chunk of process.stdout) length += (chunk as Buffer).length;
      expect(length).toBe(60_000_000);
      expect(await finished).toBe('finished\n');
    });

    test('does not take more input than the far side reads', async () => {
      await using transport = open();
      const process = await transport.start('read go; sleep 1; cat | wc -c', never);
      const answer = text(process.stdout);
      process.stdin.write('go\n');
      let sent = 0;
      const chunk = Buffer.alloc(65_536, 'x');
      const early = Readable.from(
        (function* () {
          for (let index = 0; index < 1600; index += 1) {
            sent += chunk.length;
            yield chunk;
          }
        })(),
      );
      early.pipe(process.stdin);
      await later(300);
      expect(sent).toBeLessThan(16_000_000);
      expect(Number(await answer)).toBe(1600 * chunk.length);
    });

    test('kill ends the process and its streams at once, and may be repeated', async () => {
      await using transport = open();
      const process = await transport.start('echo started; exec sleep 600', never);
      await once(process.stdout, 'readable');
      const closed = once(process.stdout, 'close');
      process.kill();
      process.kill();
      await closed;
      await process.exited;
      expect(process.stdout.destroyed).toBe(true);
    });

    test('kill after the end leaves alone what the process left behind', async () => {
      await using transport = open();
      const process = await transport.start('sleep 60 </dev/null >/dev/null 2>&1 & echo $!', never);
      const pid = Number(await text(process.stdout));
      await process.exited;
      process.kill();
      const check = await transport.start(`kill -0 ${pid} && echo alive; kill ${pid}`, never);
      expect(await text(check.stdout)).toBe('alive\n');
    });

    test('writing to a process that is gone fails or is ignored, and never hangs', async () => {
      await using transport = open();
      const process = await transport.start('exit 0', never);
      process.stdin.on('error', () => undefined);
      await process.exited;
      await text(process.stdout).catch(() => '');
      const written = new Promise((resolve) => {
        process.stdin.once('close', () => resolve('answered'));
        process.stdin.write('too late', () => resolve('answered'));
      });
      expect(await Promise.race([written, later(3000)])).toBe('answered');
    });

    test('runs as many processes as are asked for, some at a time', async () => {
      await using transport = open();
      const many = transport.properties.maxChannels * 3;
      const answers = await Promise.all(
        Array.from({ length: many }, async (_, index) => {
          const process = await transport.start(`echo ${index}`, never);
          return await text(process.stdout);
        }),
      );
      expect(answers).toEqual(Array.from({ length: many }, (_, index) => `${index}\n`));
    });

    test('does not start anything for a caller who has given up', async () => {
      await using transport = open();
      const reason = new Error('given up');
      await expect(transport.start('echo x', AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    test('a caller who waits for a free channel can give up', async () => {
      await using transport = open();
      const busy = Array.from({ length: transport.properties.maxChannels }, () => transport.start('sleep 60', never));
      const processes = await Promise.all(busy);
      const giveUp = new AbortController();
      const waiting = transport.start('echo never', giveUp.signal);
      giveUp.abort(new Error('given up'));
      await expect(waiting).rejects.toThrow('given up');
      for (const process of processes) process.kill();
    });

    test('disposing ends what still runs', async () => {
      const transport = open();
      const process = await transport.start('echo started; exec sleep 600', never);
      await once(process.stdout, 'readable');
      await transport[Symbol.asyncDispose]();
      await process.exited.catch(() => undefined);
      if (!process.stdin.closed) await once(process.stdin, 'close');
      if (!process.stdout.closed) await once(process.stdout, 'close').catch(() => undefined);
      expect(process.stdout.closed).toBe(true);
    });
  });
}

async function collect(process: RemoteProcess): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdout) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function later(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve('still running'), ms));
}
