/**
 * A host that exists on paper: it speaks our side of the wire's other end and answers from a list. It fails on a command
 * that is not expected and on an expectation that was not used, because a test that passes for the wrong reason is worse
 * than none.
 */
import { PassThrough } from 'node:stream';
import { StillpointError } from '../../../shared/base/errors.ts';
import { connectionLost } from '../../../shared/remote/ssh/ssh-errors.ts';
import type { ExitStatus, RemoteProcess, Transport } from '../../../shared/remote/transport.ts';
import { formatTrailer, nonceLine, readyLine } from '../../../shared/remote/wire.ts';
import { Hearing, type SpokenScript } from './spoken-script.ts';

interface Expectation {
  /** The command's name. */
  readonly name: string;
  readonly needs?: 'root' | 'user' | 'either';
  /** Compared byte for byte when given. */
  readonly args?: readonly (string | Uint8Array)[];
  readonly stdout?: string | Uint8Array;
  readonly stderr?: string;
  readonly exitCode?: number;
  /** The connection breaks: before the script runs, or after all of its output and before the trailer. */
  readonly lost?: 'before' | 'after';
  /** Sees the input of a command that takes some. */
  readonly onInput?: (input: Buffer) => void;
}

export interface ScriptedTransport extends Transport {
  /** Throws when something came that was not expected, or did not come. */
  assertDone(): void;
}

export interface ScriptedOptions {
  /** In order. */
  readonly expectations: readonly Expectation[];
  /** Who the login is; `identify-account` is answered without an expectation. */
  readonly account?: { readonly uid: number; readonly name: string };
}

export function createScriptedTransport(options: ScriptedOptions): ScriptedTransport {
  const open = [...options.expectations];
  const problems: string[] = [];
  const account = options.account ?? { uid: 0, name: 'root' };
  const answer = (script: SpokenScript): Expectation => {
    const next = open[0];
    if (next !== undefined && fits(next, script)) {
      open.shift();
      return next;
    }
    if (script.name === 'identify-account') return { name: script.name, stdout: `${account.uid}\n${account.name}\n` };
    problems.push(`unexpected: ${describe(script)}; expected: ${next === undefined ? 'nothing more' : next.name}`);
    return { name: script.name, stderr: `this script was not expected: ${script.name}\n`, exitCode: 125 };
  };
  return {
    properties: { isLocal: false, maxChannels: 8 },
    async start(commandLine, signal) {
      signal.throwIfAborted();
      return startPaperProcess(commandLine, answer);
    },
    assertDone() {
      const found = [...problems, ...open.map((expectation) => `not used: ${expectation.name}`)];
      if (found.length === 0) return;
      throw new StillpointError(
        'internal.invariant',
        `The scripted host was not used as written. ${found.join('. ')}.`,
        {
          advice: 'Correct the test, or the code that it found out about.',
          cause: undefined,
        },
      );
    },
    async [Symbol.asyncDispose]() {},
  };
}

function fits(expectation: Expectation, script: SpokenScript): boolean {
  if (expectation.name !== script.name) return false;
  if (expectation.needs !== undefined && expectation.needs !== script.needs) return false;
  if (expectation.args === undefined) return true;
  return (
    expectation.args.length === script.args.length &&
    expectation.args.every((arg, index) => script.args[index]?.equals(Buffer.from(arg)) === true)
  );
}

function describe(script: SpokenScript): string {
  return `${script.name} (${script.needs})${script.args.map((arg) => ` ${JSON.stringify(arg.toString('utf8'))}`).join('')}`;
}

function startPaperProcess(commandLine: string, answer: (script: SpokenScript) => Expectation): RemoteProcess {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const exit = Promise.withResolvers<ExitStatus>();
  exit.promise.catch(() => undefined);
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => undefined);
  const lose = (): void => {
    const error = connectionLost('paper', 'the script of the test says so', undefined);
    exit.reject(error);
    for (const stream of [stdin, stdout, stderr]) stream.destroy(error);
  };
  const end = (code: number): void => {
    exit.resolve({ code, signal: undefined });
    stdout.end();
    stderr.end();
  };
  const live = async (): Promise<void> => {
    let wasGreeted = false;
    let last: SpokenScript | undefined;
    const input: Buffer[] = [];
    const act = (spoken: SpokenScript): 'goes on' | 'is over' => {
      const expectation = answer(spoken);
      expectation.onInput?.(Buffer.concat(input));
      if (expectation.lost === 'before') return (lose(), 'is over');
      stdout.write(expectation.stdout ?? '');
      stderr.write(expectation.stderr ?? '');
      if (expectation.lost === 'after') return (setImmediate(lose), 'is over');
      const trailer = formatTrailer(spoken.nonce, expectation.exitCode ?? 0);
      stderr.write(trailer);
      stdout.write(trailer);
      if (spoken.readsOn) return 'goes on';
      return (end(0), 'is over');
    };
    const spoken: SpokenScript[] = [];
    const hearing = new Hearing({
      greeted: (nonce) => {
        wasGreeted = true;
        stdout.write(nonceLine(nonce));
      },
      told: (script) => void spoken.push(script),
      fed: (bytes) => void input.push(bytes),
    });
    for await (const chunk of stdin as AsyncIterable<Buffer>) {
      hearing.push(chunk);
      for (const script of spoken.splice(0)) {
        for (const stream of [stdout, stderr]) stream.write(readyLine(script.nonce));
        if (script.takesInput) last = script;
        else if (act(script) === 'is over') return;
      }
    }
    if (last !== undefined) act(last);
    else end(!wasGreeted && commandLine.includes('sudo') ? 1 : 0);
  };
  live().catch(lose);
  return {
    stdin,
    stdout,
    stderr,
    exited: exit.promise,
    kill() {
      exit.resolve({ code: undefined, signal: 'SIGTERM' });
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
    },
  };
}
