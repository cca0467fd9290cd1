/** Shells that answer more than once: which ones do, what the next script finds there, and when they are let go. */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { createLocalTransport } from '../../../shared/remote/local.ts';
import { aCommand, aHost, aStream } from '../../support/remote/commands.ts';
import { watchShells } from '../../support/remote/watched-shells.ts';

const looking = (script: string, name = 'look') =>
  aCommand(script, { name, repeatable: true, leavesNoProcess: true, accepts: [0, 7] });
const textOf = ({ stdout }: { stdout: Buffer }): string => stdout.toString();

describe('a shell', () => {
  test('is given the next script where nothing was left in it, with its own exit code and its own words', async () => {
    const transport = watchShells();
    await using host = aHost(transport);
    expect(await host.run(looking('echo one; echo said >&2; exit 7'), never)).toMatchObject({
      exitCode: 7,
      stderr: 'said\n',
    });
    const next = await host.run(looking('echo two'), never);
    expect([textOf(next), next.exitCode, next.stderr]).toEqual(['two\n', 0, '']);
    expect(transport.said).toEqual([['greeting', 'look', 'look']]);
  });

  test('shows the next script nothing of the one before', async () => {
    await using host = aHost(createLocalTransport());
    const spoils = 'SP_LEFT=here; export SP_LEFT; PATH=/nowhere; cd /tmp; umask 0; set -f; trap "echo trapped" EXIT';
    await host.run(looking(spoils), never);
    // Where the shell was before its first `cd /` is of no use to anybody.
    const show = looking('echo "$SP_LEFT|$PWD|$(umask)|$#|$-"; env | grep -v "^OLDPWD="');
    await using fresh = aHost(createLocalTransport());
    expect(textOf(await host.run(show, never))).toBe(textOf(await fresh.run(show, never)));
  });

  test('ends with a script that may leave a process, and with one that takes input', async () => {
    const transport = watchShells();
    await using host = aHost(transport);
    await host.run(aCommand('true', { name: 'leave', repeatable: true }), never);
    await host.run(looking('true'), never);
    await host.run({ ...looking('cat', 'fed'), input: Buffer.from('x') }, never);
    await host.run(looking('true'), never);
    expect(transport.said).toEqual([
      ['greeting', 'leave'],
      ['greeting', 'look', 'fed'],
      ['greeting', 'look'],
    ]);
  });

  test('has to answer once more before what must not run twice, and before a stream', async () => {
    const transport = watchShells();
    await using host = aHost(transport);
    await host.run(looking('true'), never);
    await host.run(aCommand('true', { name: 'once' }), never);
    await host.run(looking('true'), never);
    await using stream = await host.stream(aStream('echo flows'), undefined, never);
    expect(await stream.output.toArray()).toEqual([Buffer.from('flows\n')]);
    expect(transport.said).toEqual([
      ['greeting', 'look', 'greeting', 'once'],
      ['greeting', 'look', 'greeting', 'stream-it'],
    ]);
  });

  test.each(['look', 'once'])('that has gone meanwhile is replaced: %s', async (name) => {
    const transport = watchShells();
    await using host = aHost(transport);
    await host.run(looking('true'), never);
    transport.processes[0]?.kill();
    const next = await host.run(aCommand('echo on', { name, repeatable: name === 'look' }), never);
    expect(textOf(next)).toBe('on\n');
    expect(transport.said).toHaveLength(2);
  });

  test('in which something else speaks is not believed', async () => {
    const transport = watchShells();
    await using host = aHost(transport);
    await host.run(looking('( sleep 0.2; echo noise ) &'), never);
    await wait(400);
    expect(textOf(await host.run(looking('echo on'), never))).toBe('on\n');
    expect(transport.said).toHaveLength(2);
  });

  test('that is ended in a script takes the script with it, and nobody runs it again', async () => {
    const transport = watchShells();
    await using host = aHost(transport);
    await host.run(looking('true'), never);
    await expect(host.run(looking('kill -9 $$'), never)).rejects.toMatchObject({ code: 'read.incomplete' });
    expect(transport.said).toEqual([['greeting', 'look', 'look']]);
  });
});

describe('what waits for its next script', () => {
  test('makes room for who waits for a channel, also when it comes back meanwhile', async () => {
    const transport = watchShells();
    const { maxChannels } = transport.properties;
    await using host = aHost(transport);
    await Promise.all(Array.from({ length: maxChannels }, () => host.run(looking('sleep 0.2'), never)));
    expect(transport.said).toHaveLength(maxChannels);
    const streams = await Promise.all(
      Array.from({ length: maxChannels }, () => host.stream(aStream('exec sleep 60'), undefined, never)),
    );
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()));
  });

  test('goes with the host', async () => {
    const transport = watchShells();
    const host = aHost(transport);
    await host.run(looking('true'), never);
    await host[Symbol.asyncDispose]();
    await expect(transport.processes[0]?.exited).resolves.toBeDefined();
    await expect(host.run(looking('true'), never)).rejects.toMatchObject({ code: 'run.cancelled' });
  });
});
