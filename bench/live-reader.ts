/** Reads a live folder as a program of its own, so that its memory is its own too. Prints its figures as JSON. */
import { type LiveReaderOrder, readLiveFolder } from '../test/support/live-reader.ts';

const order = JSON.parse(process.argv[2] ?? '{}') as LiveReaderOrder;
console.log(JSON.stringify(await readLiveFolder(order)));
