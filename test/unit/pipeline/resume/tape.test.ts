import { expect, test } from 'vitest';
import { newRunId } from '../../../../shared/domain/names.ts';
import { PlayedTape, RecordingTape } from '../../../../shared/pipeline/resume/tape.ts';
import type { CommandOutput, RemoteCommand } from '../../../../shared/remote/command.ts';
import type { RemoteHost } from '../../../../shared/remote/remote-host.ts';

const never = new AbortController().signal;
const run = newRunId();

const ask = (name: string, ...args: readonly (string | Uint8Array)[]): RemoteCommand<string> => ({
  ...{ name, script: `${name} "$@"`, args, needs: 'root', budgetMs: 1000, repeatable: true },
  parse: ({ stdout, exitCode }) => `${exitCode} ${stdout.toString('latin1')}`,
});

/** Answers each question with the number of those before it. */
function aHost(): RemoteHost {
  let asked = 0;
  return {
    name: 'lab',
    run: async (command, _signal) => {
      const output: CommandOutput = { stdout: Buffer.from([0xff, asked]), stderr: '', exitCode: 3 };
      asked += 1;
      return command.parse(output);
    },
    stream: () => Promise.reject(new Error('no stream')),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** A clock that is another one at each look. */
function aClock(from: number) {
  let at = from;
  return {
    now: () => new Date((at += 1000)),
    monotonicMs: () => (at += 1),
    sleep: () => Promise.resolve(),
  };
}

const noHost = (): RemoteHost => ({ ...aHost(), run: () => Promise.reject(new Error('the host was asked')) });

test('a host answers again what it answered then, byte for byte and in the order of asking, and so does the clock', async () => {
  const recording = new RecordingTape(aClock(0));
  const host = recording.host(aHost());
  const questions = [
    ask('one'),
    ask('two', 'a', Buffer.from([0xfe])),
    ask('one'),
    ask('two', 'b', Buffer.from([0xfe])),
  ];
  const answers: string[] = [];
  for (const question of questions) answers.push(await host.run(question, never));
  const times = [recording.clock.now().getTime(), recording.clock.monotonicMs()];

  const tape = PlayedTape.parse(recording.encode(run));
  expect(tape.run).toBe(run);
  const played = tape.host(noHost());
  // Questions that are asked side by side come in any order; the same ones keep theirs.
  const again = [await played.run(ask('two', 'b', Buffer.from([0xfe])), never)];
  for (const question of questions.slice(0, 3)) again.push(await played.run(question, never));
  expect(again).toEqual([answers[3], ...answers.slice(0, 3)]);
  // What was waited for then is not waited for again.
  await tape.clock.sleep(3_600_000, never);
  expect([tape.clock.now().getTime(), tape.clock.monotonicMs()]).toEqual(times);
});

test.for([
  ['a question that was not asked', ask('three')],
  ['other arguments', ask('two', 'a\0b')],
  ['a question more often', ask('one')],
  ['other rights', { ...ask('two', 'a', 'b'), needs: 'user' as const }],
])('%s cannot be answered', async ([, question]) => {
  const recording = new RecordingTape(aClock(0));
  const host = recording.host(aHost());
  for (const each of [ask('one'), ask('two', 'a', 'b')]) await host.run(each, never);
  const played = PlayedTape.parse(recording.encode(run)).host(noHost());
  await played.run(ask('one'), never);
  await expect(played.run(question as RemoteCommand<string>, never)).rejects.toMatchObject({
    code: 'job.cannot-resume',
  });
});

test('an answer that was not understood is not noted, and what is no recording is refused', async () => {
  const recording = new RecordingTape(aClock(0));
  const strange = {
    ...ask('one'),
    parse: (): string => {
      throw new Error('what is this');
    },
  };
  await expect(recording.host(aHost()).run(strange, never)).rejects.toThrow('what is this');
  const played = PlayedTape.parse(recording.encode(run)).host(noHost());
  await expect(played.run(ask('one'), never)).rejects.toMatchObject({ code: 'job.cannot-resume' });
  for (const text of ['', '{}', '{"version":2}'])
    expect(() => PlayedTape.parse(Buffer.from(text))).toThrow(/another form/);
});
