/** Recording, scripting and cutting: the tools that other tests stand on. */
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { createLocalTransport } from '../../../shared/remote/local.ts';
import { aCommand, aHost, aStream } from '../../support/remote/commands.ts';
import { cutTransport } from '../../support/remote/cutting.ts';
import { recordTransport } from '../../support/remote/recording.ts';
import { createScriptedTransport } from '../../support/remote/scripted.ts';

const listThings = aCommand('printf "%s\\n" "$@"; echo seen >&2; exit 3', {
  name: 'list-things',
  args: ['a', Buffer.from([0xff, 0x0a])],
  accepts: [3],
});

describe('a recording', () => {
  test('holds what was asked and what was answered, and replays to the same answers', async () => {
    const recording = recordTransport(createLocalTransport());
    const real = aHost(recording);
    const answers = [
      await real.run(listThings, never),
      await real.run(aCommand('cat', { input: Buffer.from('s3cret') }), never),
    ];
    await real[Symbol.asyncDispose]();

    const exchanges = recording.exchanges();
    expect(exchanges.map((one) => one.script?.name)).toEqual(['list-things', 'try-it']);
    expect(exchanges[0]).toMatchObject({ exitCode: 3, stderr: 'seen\n', script: { needs: 'user', takesInput: false } });
    expect(exchanges[0]?.script?.args).toEqual([Buffer.from('a'), Buffer.from([0xff, 0x0a])]);

    const replay = createScriptedTransport({
      expectations: exchanges.map(({ script, stdout, stderr, exitCode }) => ({
        name: script?.name ?? '',
        args: script?.args ?? [],
        stdout,
        stderr,
        exitCode: exitCode ?? 255,
      })),
    });
    await using paper = aHost(replay);
    const replayed = [
      await paper.run(listThings, never),
      await paper.run(aCommand('cat', { input: Buffer.from('s3cret') }), never),
    ];
    expect(replayed).toEqual(answers);
    replay.assertDone();
  });

  test('tells of an answer that never came to its end', async () => {
    const recording = recordTransport(createLocalTransport());
    await using host = aHost(recording);
    await host.run(aCommand('echo half; kill -9 $$'), never).catch(() => undefined);
    expect(recording.exchanges()[0]).toMatchObject({ exitCode: undefined, stdout: Buffer.from('half\n') });
  });
});

describe('a scripted host', () => {
  test('refuses what is not expected, and says so at the end', async () => {
    const transport = createScriptedTransport({ expectations: [{ name: 'other-thing' }] });
    await using host = aHost(transport);
    await expect(host.run(listThings, never)).rejects.toMatchObject({ code: 'remote.command-failed' });
    expect(() => transport.assertDone()).toThrow(
      /unexpected: list-things.*expected: other-thing.*not used: other-thing/s,
    );
  });

  test('looks at the arguments and at who asks', async () => {
    const args = createScriptedTransport({ expectations: [{ name: 'list-things', args: ['b'] }] });
    await aHost(args)
      .run(listThings, never)
      .catch(() => undefined);
    expect(() => args.assertDone()).toThrow(/unexpected/);
    const rights = createScriptedTransport({ expectations: [{ name: 'list-things', needs: 'root' }] });
    await aHost(rights)
      .run(listThings, never)
      .catch(() => undefined);
    expect(() => rights.assertDone()).toThrow(/unexpected/);
  });

  test('takes input and breaks off where it is told to', async () => {
    const heard: string[] = [];
    const transport = createScriptedTransport({
      expectations: [
        { name: 'stream-it', onInput: (input) => void heard.push(input.toString()), stdout: 'half', lost: 'after' },
      ],
    });
    await using host = aHost(transport);
    const input = (async function* () {
      yield Buffer.from('fed');
    })();
    await using stream = await host.stream(aStream('cat'), input, never);
    stream.output.resume();
    await expect(stream.finished).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    expect(heard).toEqual(['fed']);
    transport.assertDone();
  });

  test('is somebody: root, unless the test says otherwise', async () => {
    const transport = createScriptedTransport({ expectations: [], account: { uid: 1000, name: 'ann' } });
    await using host = aHost(transport);
    await expect(host.run(aCommand('x', { needs: 'root' }), never)).rejects.toMatchObject({
      code: 'remote.sudo-refused',
    });
  });
});

describe('a cut', () => {
  const steps = ['start', 'script-sent', { receivedBytes: 100 }] as const;

  test.each(steps)('at %j is a lost connection for that command, and the next one works', async (at) => {
    const transport = cutTransport(createLocalTransport(), { command: 1, at });
    await using host = aHost(transport);
    await host.run(aCommand('true'), never);
    const cut = host.run(aCommand('sleep 0.3; seq 1 5000'), never);
    if (at === 'start') expect((await cut).exitCode).toBe(0);
    else await expect(cut).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    expect((await host.run(aCommand('echo on'), never)).stdout.toString()).toBe('on\n');
  });

  test('takes everything that runs with it, and may be for good', async () => {
    const transport = cutTransport(createLocalTransport(), { command: 1, at: 'script-sent', forGood: true });
    await using host = aHost(transport);
    await using stream = await host.stream(aStream('exec sleep 60'), undefined, never);
    stream.output.resume();
    await expect(host.run(aCommand('sleep 1', { repeatable: true }), never)).rejects.toMatchObject({
      code: 'ssh.connection-lost',
    });
    await expect(stream.finished).rejects.toMatchObject({ code: 'ssh.connection-lost' });
  });
});
