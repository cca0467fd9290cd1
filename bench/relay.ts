/**
 * A line that is longer or narrower than that of this machine: a relay on 127.0.0.1 as a process of its own, so that it
 * takes no turn of a program that is measured. Each piece waits for its place on the line, and then half of the round
 * trip. What is on its way is bounded as a receiver's window bounds it. Nothing is lost, and no connection starts
 * slowly, so a real line is harder. Prints its port.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { RelayOrder } from './line.ts';

const { port, roundTripMs, bytesPerSecond } = JSON.parse(process.argv[2] ?? '{}') as RelayOrder;
/** As Linux lets a connection grow; on a narrow line, what is on its way and as much as a short queue before it. */
const WINDOW_BYTES =
  bytesPerSecond === undefined ? 6 * 1024 ** 2 : Math.max(256 * 1024, (bytesPerSecond * (roundTripMs + 20)) / 1000);
/** When the line is free again, by direction; all connections share it. */
const freeAt = { there: 0, back: 0 };

function carry(from: Socket, to: Socket, direction: 'there' | 'back'): void {
  const waiting: { readonly due: number; readonly piece: Buffer | undefined }[] = [];
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const deliver = (): void => {
    timer = undefined;
    const now = performance.now();
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (next.due > now || to.writableLength > WINDOW_BYTES) break;
      waiting.shift();
      if (next.piece === undefined) to.end();
      else to.write(next.piece);
      bytes -= next.piece?.length ?? 0;
    }
    if (bytes < WINDOW_BYTES) from.resume();
    const [next] = waiting;
    if (next !== undefined) timer ??= setTimeout(deliver, Math.max(1, next.due - performance.now()));
  };
  const put = (piece: Buffer | undefined): void => {
    const now = performance.now();
    const size = piece?.length ?? 0;
    const start = Math.max(now, freeAt[direction]);
    freeAt[direction] = start + (bytesPerSecond === undefined ? 0 : (size * 1000) / bytesPerSecond);
    waiting.push({ due: freeAt[direction] + roundTripMs / 2, piece });
    bytes += size;
    if (bytes >= WINDOW_BYTES) from.pause();
    timer ??= setTimeout(deliver, Math.max(1, freeAt[direction] + roundTripMs / 2 - now));
  };
  from.on('data', put);
  from.once('end', () => put(undefined));
  from.once('close', () => from.readableEnded || to.destroy());
  from.on('error', () => to.destroy());
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
  carry(near, far, 'there');
  carry(far, near, 'back');
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
