/**
 * A TCP proxy on 127.0.0.1 in front of a command that speaks a connection on its stdin and stdout, and that can go
 * wrong on demand: cut everything now, cut after so many bytes, stall without a word, as a sleeping laptop or a lost
 * network does, or be slow.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

export interface CuttableProxy extends AsyncDisposable {
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** Bytes that have passed since the start, both ways together. */
  bytesPassed(): number;
  /** Connections open now. */
  connections(): number;
  /** Resets every open connection. New ones are accepted unless `refuse` was called. */
  cut(): void;
  /** Resets every open connection once `count` more bytes have passed, both ways together. */
  cutAfterBytes(count: number): void;
  /** Passes nothing more in either direction, on open and new connections, until `resume`; neither side is told. */
  stall(): void;
  /** Changes one bit of what passes next to the client. */
  corrupt(): void;
  /** A slow line: so many bytes a second, both ways and all connections together, in turn. Undefined: no limit. */
  limit(bytesPerSecond: number | undefined): void;
  /** Ends `stall` and `refuse`, and forgets `cutAfterBytes`. */
  resume(): void;
  /** Accepts no new connection until `resume`: each is reset at once. */
  refuse(): void;
}

const SHORTEST_WAIT_MS = 10;

/** Listens on a free port of 127.0.0.1; each connection runs `command` once. */
export async function startCuttableProxy(command: readonly string[]): Promise<CuttableProxy> {
  const [file, ...args] = command;
  if (file === undefined) throw new Error('The proxy needs a command');
  const links = new Set<Link>();
  let passed = 0;
  let cutAt: number | undefined;
  let isStalled = false;
  let isRefusing = false;
  let isCorrupting = false;
  let bytesPerSecond: number | undefined;
  let freeAtMs = 0;

  const slow = async (size: number): Promise<void> => {
    if (bytesPerSecond === undefined) return;
    const now = performance.now();
    freeAtMs = Math.max(freeAtMs, now - SHORTEST_WAIT_MS) + (size * 1000) / bytesPerSecond;
    // A timer is late by a millisecond and more, so a fast line waits for many chunks at once.
    if (freeAtMs - now > SHORTEST_WAIT_MS) await delay(freeAtMs - now);
  };
  const cut = (): void => {
    cutAt = undefined;
    for (const link of links) link.reset();
  };
  /** How much of a chunk may still pass. */
  const admit = (size: number): number => {
    const allowed = cutAt === undefined ? size : Math.min(size, cutAt - passed);
    passed += allowed;
    return allowed;
  };
  const server = createServer((socket) => {
    if (isRefusing) {
      socket.resetAndDestroy();
      return;
    }
    const link = openLink(socket, file, args, {
      admit,
      isSlow: () => bytesPerSecond !== undefined,
      slow,
      spoil: (chunk) => {
        if (isCorrupting && chunk.length > 0) {
          isCorrupting = false;
          chunk[chunk.length >> 1] = (chunk[chunk.length >> 1] ?? 0) ^ 0x10;
        }
      },
      isCutDue: () => cutAt !== undefined && passed >= cutAt,
      cut,
    });
    links.add(link);
    if (isStalled) link.pause();
    void link.closed.then(() => links.delete(link));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    bytesPassed: () => passed,
    connections: () => links.size,
    cut,
    cutAfterBytes: (count) => {
      cutAt = passed + count;
    },
    corrupt: () => {
      isCorrupting = true;
    },
    stall: () => {
      isStalled = true;
      for (const link of links) link.pause();
    },
    limit: (rate) => {
      bytesPerSecond = rate;
    },
    resume: () => {
      isStalled = false;
      isRefusing = false;
      cutAt = undefined;
      for (const link of links) link.resume();
    },
    refuse: () => {
      isRefusing = true;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = [...links].map((link) => link.closed);
      server.close();
      cut();
      await Promise.all(closed);
    },
  };
}

interface Link {
  pause(): void;
  resume(): void;
  reset(): void;
  readonly closed: Promise<void>;
}

/** How much of a chunk takes its turn at once on a slow line. */
const PIECE = 1024;

interface Gate {
  admit(size: number): number;
  isSlow(): boolean;
  /** Resolves when so many bytes may pass. */
  slow(size: number): Promise<void>;
  isCutDue(): boolean;
  /** Changes what goes to the client, now and then. */
  spoil(chunk: Buffer): void;
  cut(): void;
}

function openLink(socket: Socket, file: string, args: readonly string[], gate: Gate): Link {
  socket.setNoDelay(true);
  const child = execa(file, args, { buffer: false, reject: false, stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' });
  let isOver = false;
  const reset = (): void => {
    if (isOver) return;
    isOver = true;
    socket.resetAndDestroy();
    child.kill('SIGKILL');
  };
  const forward = (from: Readable, to: Writable): void => {
    let isSlowed = false;
    let hasEnded = false;
    const passSlowly = async (chunk: Buffer): Promise<void> => {
      isSlowed = true;
      from.pause();
      for (let at = 0; at < chunk.length && !isOver; at += PIECE) {
        const piece = chunk.subarray(at, at + PIECE);
        await gate.slow(piece.length);
        pass(piece);
      }
      isSlowed = false;
      if (hasEnded) to.end();
      else if (!isPaused) from.resume();
    };
    const pass = (chunk: Buffer): void => {
      if (isOver) return; // what the command still had in its pipe when the connection was cut
      if (to === socket) gate.spoil(chunk);
      const allowed = gate.admit(chunk.length);
      if (allowed > 0 && !to.write(chunk.subarray(0, allowed))) {
        from.pause();
        to.once('drain', () => {
          if (!isPaused && !isSlowed) from.resume();
        });
      }
      if (gate.isCutDue()) gate.cut();
    };
    from.on('data', (chunk: Buffer) => {
      if (gate.isSlow() || isSlowed) void passSlowly(chunk);
      else pass(chunk);
    });
    from.once('end', () => {
      hasEnded = true;
      if (!isSlowed) to.end();
    });
    // A peer that went away is an ordinary end of a connection here.
    from.on('error', reset);
    to.on('error', reset);
  };
  let isPaused = false;
  forward(socket, child.stdin);
  forward(child.stdout, socket);
  const closed = Promise.all([child, once(socket, 'close').catch(reset)]).then(() => undefined);
  return {
    pause: () => {
      isPaused = true;
      socket.pause();
      child.stdout.pause();
    },
    resume: () => {
      isPaused = false;
      socket.resume();
      child.stdout.resume();
    },
    reset,
    closed,
  };
}
