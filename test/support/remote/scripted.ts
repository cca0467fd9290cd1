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
import { parseGreeting, parseScript, type SpokenScript } from './spoken-script.ts';

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
    let heard: Buffer = Buffer.alloc(0);
    let nonce: string | undefined;
    let spoken: SpokenScript | undefined;
    for await (const chunk of stdin as AsyncIterable<Buffer>) {
      heard = Buffer.concat([heard, chunk]);
      if (nonce === undefined) {
        const greeting = parseGreeting(heard);
        if (greeting === undefined) continue;
        nonce = greeting.nonce;
        heard = heard.subarray(greeting.end);
        stdout.write(nonceLine(nonce));
      }
      if (spoken !== undefined) continue;
      const parsed = parseScript(heard);
      if (parsed === undefined) continue;
      spoken = parsed.script;
      heard = heard.subarray(parsed.end);
      for (const stream of [stdout, stderr]) stream.write(readyLine(nonce));
      if (!spoken.takesInput) break;
    }
    if (nonce === undefined || spoken === undefined) return end(commandLine.includes('sudo') ? 1 : 0);
    const expectation = answer(spoken);
    expectation.onInput?.(heard);
    if (expectation.lost === 'before') return lose();
    stdout.write(expectation.stdout ?? '');
    stderr.write(expectation.stderr ?? '');
    if (expectation.lost === 'after') return (setImmediate(lose), undefined);
    const trailer = formatTrailer(nonce, expectation.exitCode ?? 0);
    stderr.write(trailer);
    stdout.write(trailer);
    end(0);
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
