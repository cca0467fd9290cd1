/**
 * A writer that lives in a guest while it is backed up: orders into MariaDB and blocks into files on another volume,
 * with a journal of what was committed and when, kept outside everything that is backed up. The journal decides what
 * a restore point must contain: all that had finished before the snapshot, and nothing that started after it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guest } from './guest.ts';

/** `order` a row of shop.orders, `append` a block of appended.log, `rewrite` a block of rewritten.bin. */
export type WriteKind = 'order' | 'append' | 'rewrite';

export interface JournalEntry {
  readonly kind: WriteKind;
  /** Order id or block sequence number; both start at 1 and have no gaps. */
  readonly sequence: number;
  /** Nanoseconds since the guest's boot (CLOCK_BOOTTIME, as /proc/uptime) when the write was begun. */
  readonly startedNs: bigint;
  /** The same when COMMIT or fsync had returned. */
  readonly committedNs: bigint;
  /** Nanoseconds since 1970 when COMMIT or fsync had returned. */
  readonly committedRealtimeNs: bigint;
}

export interface LivingWriter extends AsyncDisposable {
  /** All that has been committed so far, oldest first. */
  journal(signal: AbortSignal): Promise<readonly JournalEntry[]>;
  /** Ends the writer after the transaction in hand and returns its whole journal. Throws when it had failed. */
  stop(signal: AbortSignal): Promise<readonly JournalEntry[]>;
  /** Settles when `count` more orders have been committed. */
  waitForOrders(count: number, signal: AbortSignal): Promise<void>;
}

/** Folder in the guest that the writer's two files are in, on volume vg0/files. */
export const liveFolder = '/srv/files/live';
const journalPath = '/run/lab/journal';
const unit = 'lab-writer.service';

/** Checks every row: one line, tab-separated: rows, lowest id, highest id, rows whose checksum is wrong. */
export const ordersCheck =
  "SELECT COUNT(*), COALESCE(MIN(id), 0), COALESCE(MAX(id), 0), COALESCE(SUM(BINARY checksum <> BINARY SHA2(CONCAT(id, ':', payload), 256)), 0) FROM shop.orders";

/** Starts the writer. It pauses `pauseMs` after each order. */
export async function startWriter(
  guest: Guest,
  { pauseMs = 20 }: { readonly pauseMs?: number },
  signal: AbortSignal,
): Promise<LivingWriter> {
  const program = await readFile(join(import.meta.dirname, 'guest', 'writer.pl'), 'utf8');
  await guest.must(
    `set -e
mkdir -p /run/lab
rm -f ${journalPath}
cat >/run/lab/writer.pl <<'END_OF_LAB_PROGRAM'
${program}
END_OF_LAB_PROGRAM
systemctl reset-failed ${unit} 2>/dev/null || true
systemd-run --quiet --unit=${unit} --property=KillMode=mixed perl /run/lab/writer.pl ${liveFolder} ${journalPath} ${String(pauseMs)}
until [ -s ${journalPath} ]; do systemctl -q is-active ${unit} || { journalctl -n 20 -u ${unit}; exit 1; }; sleep 0.1; done`,
    { signal },
  );
  let isStopped = false;
  const journal = async (signal: AbortSignal): Promise<readonly JournalEntry[]> =>
    parseJournal(await guest.must(`cat ${journalPath}`, { signal }));
  return {
    journal,
    waitForOrders: async (count, signal) => {
      await guest.must(
        `orders() { grep -c '^order' ${journalPath}; }
until_count=$(( $(orders) + ${String(count)} ))
until [ "$(orders)" -ge $until_count ]; do systemctl -q is-active ${unit} || exit 1; sleep 0.1; done`,
        { signal },
      );
    },
    stop: async (signal) => {
      isStopped = true;
      await guest.must(
        `systemctl -q is-active ${unit} || { journalctl -n 20 -u ${unit}; exit 1; }; systemctl stop ${unit}`,
        {
          signal,
        },
      );
      return await journal(signal);
    },
    [Symbol.asyncDispose]: async () => {
      // A guest that is already dead has stopped its writer too.
      if (!isStopped)
        await guest.run(`systemctl stop ${unit}`, { signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
      isStopped = true;
    },
  };
}

/** Reads journal lines; a last line without its end, cut by the guest's death, is dropped. */
function parseJournal(text: string): readonly JournalEntry[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [kind, sequence, started, committed, realtime] = line.split(' ');
      if (started === undefined || committed === undefined || realtime === undefined) {
        throw new Error(`Not a line of the writer's journal: "${line}"`);
      }
      return {
        kind: kind as WriteKind,
        sequence: Number(sequence),
        startedNs: BigInt(started),
        committedNs: BigInt(committed),
        committedRealtimeNs: BigInt(realtime),
      };
    });
}

/**
 * Highest sequence of `kind` whose commit had returned before `uptimeNs`: everything up to it must be in a copy taken
 * then. /proc/uptime has a resolution of 10 ms and rounds down, so a value read from it errs on the safe side.
 */
export function committedBefore(journal: readonly JournalEntry[], kind: WriteKind, uptimeNs: bigint): number {
  return highest(journal.filter((entry) => entry.kind === kind && entry.committedNs < uptimeNs));
}

/**
 * Highest sequence of `kind` that had been started before `uptimeNs`: nothing beyond it may be in a copy taken then.
 * Add 10 ms to a value read from /proc/uptime.
 */
export function startedBefore(journal: readonly JournalEntry[], kind: WriteKind, uptimeNs: bigint): number {
  return highest(journal.filter((entry) => entry.kind === kind && entry.startedNs < uptimeNs));
}

function highest(entries: readonly JournalEntry[]): number {
  return entries.reduce((most, entry) => Math.max(most, entry.sequence), 0);
}
