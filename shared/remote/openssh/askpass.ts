/**
 * How OpenSSH's client asks us: it starts a helper of ours (SSH_ASKPASS), which hands the question through a socket in
 * our private folder and prints the answer. Secrets go through sockets and pipes, never through arguments, environments
 * or files. One helper for each host on the way, so that an answer for one never reaches another.
 *
 * Crash story: when we die the socket is gone, the helper ends with an error, and the client gives up.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { quoteArg } from '../quoting.ts';

/** Answers a question; undefined declines. The signal fires when the client no longer waits. */
export type AskpassAnswer = (
  asked: { readonly hop: number; readonly text: string; readonly hint: string | undefined },
  signal: AbortSignal,
) => Promise<string | undefined>;

/** Longer than any prompt; a client of ours has no reason to say more. */
const LONGEST_QUESTION = 64 * 1024;

export interface Askpass extends AsyncDisposable {
  /** What the client of one host on the way needs in its environment. */
  environment(hop: number): Promise<Readonly<Record<string, string>>>;
}

export async function openAskpass(folder: string, answer: AskpassAnswer): Promise<Askpass> {
  const socketPath = join(folder, 'ask');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, answer);
  });
  await listen(server, socketPath);
  return {
    async environment(hop) {
      const helper = join(folder, `ask-${hop}`);
      await writeFile(helper, helperScript(socketPath, hop));
      await chmod(helper, 0o700);
      return { SSH_ASKPASS: helper, SSH_ASKPASS_REQUIRE: 'force' };
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}

function serve(socket: Socket, answer: AskpassAnswer): void {
  const gone = new AbortController();
  let question = '';
  socket.setEncoding('utf8');
  socket.on('error', () => undefined);
  socket.on('close', () => gone.abort(new Error('the client no longer waits')));
  socket.on('data', (chunk: string) => {
    question += chunk;
    if (question.length > LONGEST_QUESTION) socket.destroy();
    const end = question.indexOf('\n');
    if (end < 0) return;
    socket.removeAllListeners('data');
    const asked = parseQuestion(question.slice(0, end));
    if (asked === undefined) {
      socket.destroy();
      return;
    }
    answer(asked, gone.signal).then(
      (text) => (text === undefined ? socket.destroy() : socket.end(`+${text}`)),
      () => socket.destroy(),
    );
  });
}

function parseQuestion(json: string): Parameters<AskpassAnswer>[0] | undefined {
  try {
    const value: unknown = JSON.parse(json);
    if (!Array.isArray(value)) return undefined;
    const [hop, text, hint] = value as unknown[];
    if (typeof hop !== 'number' || typeof text !== 'string') return undefined;
    return { hop, text, hint: typeof hint === 'string' && hint !== '' ? hint : undefined };
  } catch {
    return undefined;
  }
}

/** No single quotes inside: it is written between them. */
const HELPER = [
  'const [path, hop, text] = process.argv.slice(1);',
  'const socket = require("node:net").connect(path);',
  'const parts = [];',
  'socket.on("error", () => process.exit(1));',
  'socket.on("data", (part) => parts.push(part));',
  'socket.on("end", () => {',
  '  const answer = Buffer.concat(parts).toString();',
  '  if (!answer.startsWith("+")) process.exit(1);',
  '  process.stdout.write(answer.slice(1) + "\\n", () => process.exit(0));',
  '});',
  'socket.write(JSON.stringify([Number(hop), text, process.env.SSH_ASKPASS_PROMPT ?? ""]) + "\\n");',
].join(' ');

/** The program that runs us runs the helper too; in an editor it has to be asked to behave as plain Node. */
function helperScript(socketPath: string, hop: number): string {
  const program = quoteArg(process.execPath).toString();
  return [
    '#!/bin/sh',
    'unset NODE_OPTIONS',
    'ELECTRON_RUN_AS_NODE=1',
    'export ELECTRON_RUN_AS_NODE',
    `exec ${program} -e '${HELPER}' ${quoteArg(socketPath).toString()} ${hop} "$1"`,
    '',
  ].join('\n');
}
