/** Running commands as values: on the local shell where it can be, on a scripted one where the host must misbehave. */
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { unreadableOutput } from '../../../shared/remote/command.ts';
import { createLocalTransport } from '../../../shared/remote/local.ts';
import type { Transport } from '../../../shared/remote/transport.ts';
import { aCommand, aHost, aStream } from '../../support/remote/commands.ts';
import { createScriptedTransport } from '../../support/remote/scripted.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('a command', () => {
  test('gives its output, its words and its exit code', async () => {
    await using host = aHost(createLocalTransport());
    const command = aCommand('printf "%s|" "$@"; echo oops >&2; exit 3', {
      args: ['a b', "it's", Buffer.from([0xff, 0x0a, 0x01])],
      accepts: [0, 3],
    });
    const output = await host.run(command, never);
    expect(output.stdout).toEqual(Buffer.from("a b|it's|\xff\n\x01|", 'latin1'));
    expect(output.stderr).toBe('oops\n');
    expect(output.exitCode).toBe(3);
  });

  test('that ends with a code that it does not accept names itself, the code and its last words', async () => {
    await using host = aHost(createLocalTransport());
    const failing = host.run(aCommand('echo one >&2; echo "no such volume" >&2; exit 5'), never);
    await expect(failing).rejects.toMatchObject({
      code: 'remote.command-failed',
      message: '"try-it" on "db1" ended with exit code 5. It said: "one / no such volume".',
      details: { command: 'try-it', exitCode: 5, stderr: 'one\nno such volume\n' },
    });
  });

  test.each([
    ['exit 137', 'killed on the host'],
    ['exit 143', 'Signal 15 ended it'],
    ['echo waiting for lock >&2; timeout 0.1 sleep 5', 'did not end in its time'],
    ['exit 3', 'It gave no reason'],
    ['echo no such volume >&2; exit 3', 'Its message above'],
  ])('that fails is explained by how it ended: %s', async (script, advice) => {
    await using host = aHost(createLocalTransport());
    await expect(host.run(aCommand(script), never)).rejects.toMatchObject({
      advice: expect.stringContaining(advice) as string,
    });
  });

  test('reads nothing by accident, and its input where it has one', async () => {
    await using host = aHost(createLocalTransport());
    expect((await host.run(aCommand('cat'), never)).stdout.length).toBe(0);
    const input = Buffer.from('a secret that is no argument');
    expect((await host.run(aCommand('cat', { input }), never)).stdout.equals(input)).toBe(true);
  });

  test('that takes too long is ended', async () => {
    await using host = aHost(createLocalTransport());
    const slow = host.run(aCommand('exec sleep 600', { budgetMs: 200 }), never);
    await expect(slow).rejects.toMatchObject({ code: 'remote.deadline' });
  });

  test('is ended by its signal, with the reason of the signal', async () => {
    await using host = aHost(createLocalTransport());
    const giveUp = new AbortController();
    const running = host.run(aCommand('exec sleep 600'), giveUp.signal);
    setImmediate(() => giveUp.abort(new Error('given up')));
    await expect(running).rejects.toThrow('given up');
  });

  test('whose output cannot be understood says so and is not an answer', async () => {
    await using host = aHost(createLocalTransport());
    const strict = aCommand('echo gibberish', {
      parse: (output) => {
        throw unreadableOutput(strict, 'not a table', output.stdout.toString());
      },
    });
    await expect(host.run(strict, never)).rejects.toMatchObject({
      code: 'remote.unreadable-output',
      details: { sample: 'gibberish\n' },
    });
  });

  test('may leave a process behind without keeping the caller waiting', async () => {
    await using host = aHost(createLocalTransport());
    const begun = performance.now();
    const output = await host.run(aCommand('sleep 30 </dev/null >/dev/null 2>&1 & echo "$!"'), never);
    expect(performance.now() - begun).toBeLessThan(1500);
    process.kill(Number(output.stdout.toString()));
  });

  test('that is killed on the host has no answer, however its output looks', async () => {
    await using host = aHost(createLocalTransport());
    const killed = host.run(aCommand('echo half; kill -9 $$'), never);
    await expect(killed).rejects.toMatchObject({ code: 'read.incomplete' });
  });

  test('has at most 64 MiB of answer', async () => {
    await using host = aHost(createLocalTransport());
    const endless = host.run(aCommand('exec cat /dev/zero'), never);
    await expect(endless).rejects.toMatchObject({ code: 'remote.unreadable-output' });
  });
});

describe('a lost connection', () => {
  test('runs a repeatable command again', async () => {
    const transport = createScriptedTransport({
      expectations: [
        { name: 'try-it', lost: 'after', stdout: 'half' },
        { name: 'try-it', lost: 'before' },
        { name: 'try-it', stdout: 'whole' },
      ],
    });
    await using host = aHost(transport);
    expect((await host.run(aCommand('x', { repeatable: true }), never)).stdout.toString()).toBe('whole');
    transport.assertDone();
  });

  test('never runs another one twice', async () => {
    const transport = createScriptedTransport({ expectations: [{ name: 'try-it', lost: 'before' }] });
    await using host = aHost(transport);
    await expect(host.run(aCommand('x'), never)).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    transport.assertDone();
  });

  test('gives up after the third time', async () => {
    const lost = { name: 'try-it', lost: 'before' } as const;
    const transport = createScriptedTransport({ expectations: [lost, lost, lost] });
    await using host = aHost(transport);
    const running = host.run(aCommand('x', { repeatable: true }), never);
    await expect(running).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    transport.assertDone();
  });
});

describe('a stream', () => {
  test('gives its content and proves that it is whole', async () => {
    await using host = aHost(createLocalTransport());
    await using stream = await host.stream(aStream('head -c 3000000 /dev/zero; echo told >&2'), undefined, never);
    expect((await buffer(stream.output)).length).toBe(3_000_000);
    expect(await stream.finished).toEqual({ exitCode: 0, stderrIsWhole: true, bytes: 3_000_000, stderr: 'told\n' });
  });

  test('takes input of any length and passes it on', async () => {
    await using host = aHost(createLocalTransport());
    const chunk = Buffer.alloc(100_000, 'x');
    const input = Readable.from(Array.from({ length: 100 }, () => chunk));
    await using stream = await host.stream(aStream('wc -c'), input, never);
    expect((await text(stream.output)).trim()).toBe('10000000');
  });

  test('passes content that looks like framing', async () => {
    await using host = aHost(createLocalTransport());
    const lines = `${'0123456789abcdef'.repeat(2)}:000\n`.repeat(2000);
    await using stream = await host.stream(aStream('cat'), Readable.from([Buffer.from(lines)]), never);
    expect(await text(stream.output)).toBe(lines);
  });

  test('that breaks off fails for whoever reads it and for whoever waits', async () => {
    await using host = aHost(createLocalTransport());
    await using stream = await host.stream(aStream('echo half; kill -9 $$'), undefined, never);
    await expect(text(stream.output)).rejects.toMatchObject({ code: 'read.incomplete' });
    await expect(stream.finished).rejects.toMatchObject({ code: 'read.incomplete' });
  });

  test('that ends with a bad exit code fails, although all of its content came', async () => {
    await using host = aHost(createLocalTransport());
    await using stream = await host.stream(aStream('echo content; exit 2'), undefined, never);
    await expect(text(stream.output)).rejects.toMatchObject({
      code: 'remote.command-failed',
      details: { exitCode: 2 },
    });
    await using accepted = await host.stream(aStream('exit 1', { accepts: [0, 1] }), undefined, never);
    await text(accepted.output);
    expect((await accepted.finished).exitCode).toBe(1);
  });

  test('ends with its signal, also for a program that says nothing', async () => {
    await using host = aHost(createLocalTransport());
    const giveUp = new AbortController();
    await using stream = await host.stream(aStream('exec sleep 600'), undefined, giveUp.signal);
    const reading = text(stream.output);
    giveUp.abort(new Error('given up'));
    await expect(reading).rejects.toThrow('given up');
  });

  test('can be left in the middle, and its program ends', async () => {
    await using host = aHost(createLocalTransport());
    const stream = await host.stream(aStream('echo $$; exec cat /dev/zero'), undefined, never);
    const first: unknown = (await stream.output[Symbol.asyncIterator]().next()).value;
    const pid = Number.parseInt(String(first), 10);
    await stream[Symbol.asyncDispose]();
    await expect(stream.finished).rejects.toMatchObject({ code: 'read.incomplete' });
    await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false);
  });

  test('fails when its input fails', async () => {
    await using host = aHost(createLocalTransport());
    const broken = (async function* () {
      yield Buffer.from('some');
      throw new Error('the source broke');
    })();
    await using stream = await host.stream(aStream('cat'), broken, never);
    await expect(text(stream.output)).rejects.toThrow('the source broke');
  });

  test('has a limit in time where it wants one', async () => {
    await using host = aHost(createLocalTransport());
    await using stream = await host.stream(aStream('exec sleep 600', { budgetMs: 100 }), undefined, never);
    await expect(text(stream.output)).rejects.toMatchObject({ code: 'remote.deadline' });
  });

  test('is not fetched faster than it is read', async () => {
    await using host = aHost(createLocalTransport());
    await using stream = await host.stream(aStream('head -c 200000000 /dev/zero'), undefined, never);
    const before = process.memoryUsage().rss;
    let most = 0;
    await pipeline(
      stream.output,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          most = Math.max(most, process.memoryUsage().rss - before);
          yield chunk.length;
        }
      },
      async (sizes: AsyncIterable<number>) => {
        for await (const size of sizes) expect(size).toBeGreaterThan(0);
      },
    );
    expect(most).toBeLessThan(100_000_000);
  });
});

/** A local shell behind a login shell of our choice. */
function behind(loginShell: string): Transport {
  const local = createLocalTransport();
  return { ...local, start: (commandLine, signal) => local.start(loginShell.replace('COMMAND', commandLine), signal) };
}

describe('a login shell', () => {
  test('may print before our command; it is dropped', async () => {
    await using host = aHost(behind('echo welcome; printf "no line end"; echo noise >&2; COMMAND'));
    const output = await host.run(aCommand('echo answer; echo word >&2'), never);
    expect([output.stdout.toString(), output.stderr]).toEqual(['answer\n', 'word\n']);
  });

  test('that prints without end is given up', async () => {
    await using host = aHost(behind('yes; COMMAND'));
    await expect(host.run(aCommand('echo x'), never)).rejects.toMatchObject({ code: 'ssh.noise' });
  });

  test('that ends first is named, with what it said', async () => {
    await using host = aHost(behind('echo "This account is currently not available."; exit 1; COMMAND'));
    await expect(host.run(aCommand('echo x'), never)).rejects.toMatchObject({
      code: 'ssh.noise',
      message: expect.stringContaining('This account is currently not available.') as string,
      advice: expect.stringContaining('does not allow commands') as string,
    });
  });

  test.each([
    ['echo "Password change required but no TTY available." >&2; exit 1', 'until it has a new password'],
    ['echo "You must change your password now"; exit 1', 'until it has a new password'],
    ['exit 1', '/bin/false or a menu runs no commands'],
    ['echo "1) mail  2) exit"; exit 0', '/bin/false or a menu runs no commands'],
  ])('that ends first has the remedy that fits: %s', async (shell, advice) => {
    await using host = aHost(behind(`${shell}; COMMAND`));
    await expect(host.run(aCommand('echo x'), never)).rejects.toMatchObject({
      code: 'ssh.noise',
      advice: expect.stringContaining(advice) as string,
    });
  });

  test('that asks a question swallows the greeting and nothing else', async () => {
    await using host = aHost(behind('read answer; COMMAND'), { nonceBudgetMs: 300 });
    const running = host.run(aCommand('echo dangerous'), never);
    await expect(running).rejects.toMatchObject({
      code: 'ssh.deadline',
      message: expect.stringContaining('said nothing for 0.3 s') as string,
      advice: expect.stringContaining('overloaded, suspended') as string,
    });
  });

  test('that was suspended for a while is asked again, and not called noisy', async () => {
    await using folder = await temporaryFolder();
    const slowTwice = `n=$(cat '${folder.path}/n' 2>/dev/null || echo 0); echo $((n + 1)) > '${folder.path}/n'; case $n in 1|2) sleep 600 ;; esac; COMMAND`;
    const naps: number[] = [];
    const clock = { ...systemClock, sleep: async (ms: number) => void naps.push(ms) };
    await using host = aHost(behind(slowTwice), { nonceBudgetMs: 1000, clock });
    await host.run(aCommand('echo first'), never);
    expect((await host.run(aCommand('echo second'), never)).stdout.toString()).toBe('second\n');
    expect(naps).toEqual([1000, 5000]);
  });

  test('that never answers is given up in time', async () => {
    await using host = aHost(behind('echo thinking; sleep 600; COMMAND'), { nonceBudgetMs: 200 });
    await expect(host.run(aCommand('echo x'), never)).rejects.toMatchObject({
      code: 'ssh.noise',
      message: expect.stringContaining('It said: "thinking"') as string,
    });
  });
});

describe.each(['dash', 'bash --posix', 'busybox sh'])('a host whose sh is %s', (sh) => {
  const local = createLocalTransport();
  const transport: Transport = {
    ...local,
    start: (commandLine, signal) => local.start(commandLine.replace('/bin/sh', sh), signal),
  };

  test('runs scripts with arguments, input and exit codes', async () => {
    await using host = aHost(transport);
    const args = ["it's", Buffer.from([0xff, 0x01, 0x0a, 0x81])];
    const input = Buffer.from('fed\nbehind the script\n');
    const command = aCommand('printf "%s|" "$@"; read first; echo "$first"; cat; exit 7', {
      args,
      input,
      accepts: [7],
    });
    const output = await host.run(command, never);
    expect(output.stdout.toString('latin1')).toBe("it's|\xff\x01\n\x81|fed\nbehind the script\n");
    const failing = host.run(aCommand('set -e; false; echo never'), never);
    await expect(failing).rejects.toMatchObject({ details: { exitCode: 1 } });
  });
});

describe('a host that is disposed', () => {
  test('ends what still runs', async () => {
    const host = aHost(createLocalTransport());
    const stream = await host.stream(aStream('echo $$; exec sleep 600'), undefined, never);
    const first: unknown = (await stream.output[Symbol.asyncIterator]().next()).value;
    const running = host.run(aCommand('exec sleep 600'), never);
    running.catch(() => undefined);
    await host[Symbol.asyncDispose]();
    await expect(running).rejects.toBeDefined();
    await expect(stream.finished).rejects.toBeDefined();
    await expect.poll(() => isAlive(Number.parseInt(String(first), 10)), { timeout: 5000 }).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
