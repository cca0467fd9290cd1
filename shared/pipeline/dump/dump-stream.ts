/**
 * A dump as it comes from the host: its bytes, and an end that is proved. It fails unless the program ended well, the trailer
 * of the stream came, and the last bytes are those of a whole dump of its kind; so nobody can take a part for all of it.
 *
 * Whoever reads it keeps its program alive: a byte goes to the host now and then, and when none comes the program is ended
 * there (`shared/dump/on-host.ts`).
 */
import { setTimeout as wait } from 'node:timers/promises';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import type { PlannedDump } from '../../dump/dump.ts';
import { ON_HOST, SIGN_OF_LIFE } from '../../dump/on-host.ts';
import type { StreamCommand } from '../../remote/command.ts';
import { lastLines } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';

/** @param limitSeconds how long its program goes on when nothing is heard of us */
export const dumpCommand = ({ script, args }: PlannedDump, limitSeconds: number): StreamCommand => ({
  name: 'take-dump',
  script: `${ON_HOST}\n${script}`,
  args: [String(limitSeconds), ...args],
  needs: 'either',
});

const MOST_PAUSE_MS = 30_000;
/** So many signs lie in the time that it goes on without one. */
const SIGNS = 4;

/** Errors: `dump.failed`, and those of the connection. */
export async function* dumpStream(
  dump: PlannedDump,
  host: RemoteHost,
  limitSeconds: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const over = new AbortController();
  const signs = signsOfLife(Math.min(MOST_PAUSE_MS, (limitSeconds * 1000) / SIGNS), over.signal);
  try {
    await using stream = await host.stream(dumpCommand(dump, limitSeconds), signs, signal);
    let held: Buffer = Buffer.alloc(0);
    for await (const chunk of stream.output) {
      const all = held.length === 0 ? (chunk as Buffer) : Buffer.concat([held, chunk as Buffer]);
      const ready = Math.max(0, all.length - dump.end.bytes);
      if (ready > 0) yield all.subarray(0, ready);
      held = Buffer.from(all.subarray(ready));
    }
    await stream.finished;
    const surplus = dump.end.surplus(held);
    if (surplus === undefined) throw notWhole(dump, host.name);
    if (surplus < held.length) yield held.subarray(0, held.length - surplus);
  } catch (error) {
    throw isStillpointError(error, 'remote.command-failed') ? dumpFailed(dump, error, host.name) : error;
  } finally {
    over.abort();
  }
}

async function* signsOfLife(pauseMs: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  while (!signal.aborted) {
    yield SIGN_OF_LIFE;
    await wait(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

function dumpFailed({ what }: PlannedDump, { details, cause }: StillpointError, host: string): StillpointError {
  const { exitCode, stderr } = details;
  return new StillpointError(
    'dump.failed',
    `The dump of ${what} on "${host}" ended badly, with exit code ${String(exitCode)}.${lastLines(stderr)}`,
    {
      advice:
        lastLines(stderr) === ''
          ? 'It said nothing about it. Run it on the host by hand, see why, then run the backup again.'
          : 'Its message names the cause. See to it on the host, then run the backup again.',
      details: { host, ...details },
      cause,
    },
  );
}

function notWhole({ what, end }: PlannedDump, host: string): StillpointError {
  return new StillpointError(
    'dump.failed',
    `The dump of ${what} on "${host}" has another end than a whole one: ${end.looks} is missing.`,
    {
      advice:
        'Its program said that all was well. Look for options in its files on the host that change what it prints.',
      details: { host },
      cause: undefined,
    },
  );
}
