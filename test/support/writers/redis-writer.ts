/**
 * A program that uses Redis at a socket, in a process of its own: `node redis-writer.ts SOCKET JOURNAL NUMBER`. It moves money
 * between accounts of its own, numbers what it does, and keeps a journal.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { connect } from 'node:net';
import { argv } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { uptime } from './journal.ts';

/** In the notation of the server, which takes several at once. */
const written = (commands: readonly (readonly string[])[]): string =>
  commands
    .map((words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
    .join('');

async function move(socketPath: string, journal: string, writer: string): Promise<void> {
  const socket = connect(socketPath);
  socket.setEncoding('latin1');
  let said = '';
  let wake = (): void => undefined;
  socket.on('data', (text: string) => {
    said += text;
    wake();
  });
  const pad = 'x'.repeat(200);
  for (let number = 1; !existsSync('/run/over'); number += 1) {
    appendFileSync(journal, `begun ${number} ${uptime()}\n`);
    said = '';
    socket.write(
      written([
        ['MULTI'],
        ['DECRBY', `money:${writer}:${number % 50}`, '5'],
        ['INCRBY', `money:${writer}:${(number * 7) % 50}`, '5'],
        ['RPUSH', `moves:${writer}`, String(number)],
        ['SET', `last:${writer}`, String(number)],
        ['SET', `pad:${number % 2000}`, `${number} ${pad}`],
        ['EXEC'],
      ]),
    );
    // The answer to EXEC: as many as there were commands, the last of them "OK".
    while (!/\*5\r\n(?::.*\r\n){3}\+OK\r\n\+OK\r\n$/.test(said)) {
      if (/^-/m.test(said)) throw new Error(said);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    appendFileSync(journal, `done ${number} ${uptime()}\n`);
    await sleep(2);
  }
  socket.destroy();
}

const [, program = '', socketPath = '', journal = '', number = '0'] = argv;
if (program.endsWith('redis-writer.ts')) await move(socketPath, journal, number);
