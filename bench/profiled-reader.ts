/**
 * Reads a folder as `live-reader.ts` does, and prints where each of its threads spent its time: by the room of the source,
 * and by the functions that took most. Takes the same order, and the number of files that is divided by.
 */

import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import process from 'node:process';
import { type LiveReaderOrder, readLiveFolder } from '../test/support/live-reader.ts';

const ENTRIES = 25;
const EVERY_MICROSECONDS = 250;

const [orderText = '{}', filesText = '1'] = process.argv.slice(2);
const files = Number(filesText);

const session = new Session();
session.connect();
/** Of each other thread, by the name that the inspector gave it; a call is answered under its number. */
const threads = new Map<string, { readonly answers: Map<number, (result: unknown) => void> }>();
let calls = 0;

function ask(thread: string, method: string, params: object = {}): Promise<unknown> {
  const id = ++calls;
  const { promise, resolve } = Promise.withResolvers<unknown>();
  threads.get(thread)?.answers.set(id, resolve);
  void session.post('NodeWorker.sendMessageToWorker', {
    sessionId: thread,
    message: JSON.stringify({ id, method, params }),
  });
  return promise;
}

session.on('NodeWorker.attachedToWorker', ({ params: { sessionId } }) => {
  threads.set(sessionId, { answers: new Map() });
  void ask(sessionId, 'Profiler.enable');
  void ask(sessionId, 'Profiler.setSamplingInterval', { interval: EVERY_MICROSECONDS });
  void ask(sessionId, 'Profiler.start');
});
session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }) => {
  const { id, result } = JSON.parse(message) as { id?: number; result?: unknown };
  if (id !== undefined) threads.get(sessionId)?.answers.get(id)?.(result);
});
await session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: EVERY_MICROSECONDS });
await session.post('Profiler.start');

/** The threads end with the writer, so they are asked when all is read and nothing is committed yet. */
const taken: Profiler.Profile[] = [];
const figures = await readLiveFolder(JSON.parse(orderText) as LiveReaderOrder, async () => {
  const { profile } = await session.post('Profiler.stop');
  taken.push(profile);
  for (const thread of threads.keys()) {
    const answer = (await ask(thread, 'Profiler.stop')) as { readonly profile: Profiler.Profile };
    taken.push(answer.profile);
  }
});
for (const [index, profile] of taken.entries())
  print(index === 0 ? 'The thread that reads' : `Worker ${index}`, profile);
console.log(
  `\npeak ${Math.round(figures.peakBytes / 1024 ** 2)} MiB, ${figures.cpuSeconds.toFixed(1)} s of processors, read in ${figures.phases['read']} ms`,
);
process.exit();

function print(thread: string, { nodes, samples = [], timeDeltas = [] }: Profiler.Profile): void {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const rooms = new Map<string, number>();
  const functions = new Map<string, number>();
  for (const [index, sample] of samples.entries()) {
    const frame = frames.get(sample);
    if (frame === undefined || frame.functionName === '(idle)') continue;
    const took = timeDeltas[index] ?? 0;
    const place = frame.url.replace(/^.*?\/(shared|test|bench|node_modules)\//, '$1/');
    const room = frame.url === '' ? frame.functionName || 'native' : place.replace(/\/[^/]*$/, '');
    rooms.set(room, (rooms.get(room) ?? 0) + took);
    const name = `${frame.functionName || '(anonymous)'} ${place}:${frame.lineNumber + 1}`;
    functions.set(name, (functions.get(name) ?? 0) + took);
  }
  const busy = [...rooms.values()].reduce((sum, took) => sum + took, 0);
  console.log(`\n${thread}: busy for ${(busy / 1000).toFixed(0)} ms, ${(busy / files).toFixed(1)} µs a file`);
  printMost(rooms);
  console.log('  of that:');
  printMost(functions);
}

function printMost(times: ReadonlyMap<string, number>): void {
  const most = [...times].sort(([, left], [, right]) => right - left).slice(0, ENTRIES);
  for (const [name, took] of most) console.log(`  ${(took / files).toFixed(2).padStart(8)} µs  ${name}`);
}
