/**
 * Writers that live in a guest while it is backed up, each with records in a strict order over three files, which may be
 * on several volumes; `guest/records.pl` is what they run. A journal of each tells when a record was begun, and when it was
 * on the disk: what is copied at an instant holds the records that were done before it, perhaps the one in hand, and no other.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guest } from './guest.ts';

/** Of one record; the clock is that of /proc/uptime. */
export interface RecordTimes {
  readonly begunNs: number;
  readonly doneNs: number;
}

export interface OrderedWriters extends AsyncDisposable {
  /** Ends all of them; throws where one had failed. */
  stop(signal: AbortSignal): Promise<void>;
  /** Of the writer of this number, from record 1 on. */
  journal(writer: number, signal: AbortSignal): Promise<readonly RecordTimes[]>;
}

const PROGRAM = '/run/lab/records.pl';
const journalOf = (writer: number): string => `/run/lab/journal-${writer}`;
const unitOf = (writer: number): string => `records-${writer}`;

/** Puts the program into the guest; where it is. */
export async function installRecords(guest: Guest, signal: AbortSignal): Promise<string> {
  const program = await readFile(join(import.meta.dirname, 'guest', 'records.pl'), 'utf8');
  await guest.must(`mkdir -p /run/lab; cat > ${PROGRAM} <<'END_OF_LAB_PROGRAM'\n${program}\nEND_OF_LAB_PROGRAM`, {
    signal,
  });
  return PROGRAM;
}

/**
 * Starts a writer for each list of folders, and settles when all have written.
 *
 * @param pauseMs after each record
 */
export async function startOrderedWriters(
  guest: Guest,
  folders: readonly (readonly string[])[],
  pauseMs: number,
  signal: AbortSignal,
): Promise<OrderedWriters> {
  const program = await installRecords(guest, signal);
  const all = folders.map((_, writer) => writer);
  const units = all.map(unitOf).join(' ');
  await guest.must(
    [
      `rm -f ${all.map(journalOf).join(' ')}; systemctl reset-failed ${units} 2>/dev/null || :`,
      ...folders.map(
        (own, writer) =>
          `systemd-run -q --unit=${unitOf(writer)} perl ${program} ${journalOf(writer)} ${pauseMs} ${own.join(' ')}`,
      ),
      ...all.map(
        (writer) =>
          `until [ -s ${journalOf(writer)} ]; do systemctl -q is-active ${unitOf(writer)} || { journalctl -n 20 -u ${unitOf(writer)}; exit 1; }; sleep 0.2; done`,
      ),
    ].join('\n'),
    { signal },
  );
  let isStopped = false;
  return {
    async stop(stopping) {
      isStopped = true;
      const isLiving = all.map(
        (writer) => `systemctl -q is-active ${unitOf(writer)} || { journalctl -n 20 -u ${unitOf(writer)}; exit 1; }`,
      );
      await guest.must([...isLiving, `systemctl stop ${units}`].join('\n'), { signal: stopping });
    },
    async journal(writer, reading) {
      const text = await guest.must(`cat ${journalOf(writer)}`, { signal: reading });
      const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
      return lines.map((line, at) => {
        const [number, begunNs = NaN, doneNs = NaN] = line.split(' ').map(Number);
        if (number !== at + 1 || Number.isNaN(begunNs + doneNs)) throw new Error(`not a line of a journal: "${line}"`);
        return { begunNs, doneNs };
      });
    },
    [Symbol.asyncDispose]: async () => {
      // A guest that is already dead has stopped them, too.
      if (!isStopped)
        await guest.run(`systemctl stop ${units}`, { signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
    },
  };
}
