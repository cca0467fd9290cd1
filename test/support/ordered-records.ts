/** What a copy may hold of records that were written in a strict order (`test/lab/ordered-writer.ts`). */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ConsistencyEvidence } from '../../shared/domain/consistency.ts';
import type { RecordTimes } from '../lab/ordered-writer.ts';

/** The records of a writer belong to three files, by their number. */
export const FILES = [0, 1, 2] as const;

type Instant = Pick<ConsistencyEvidence['instants'][number], 'afterUptime' | 'beforeUptime'>;

/** Numbers of the records in one file, in order. Each must be whole, and of this writer and file. */
export async function numbersIn(folder: string, file: number, firstFolder: string): Promise<readonly number[]> {
  const text = await readFile(join(folder, `records.${file}`), 'latin1');
  return (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((record) => {
    const [word, digits = '', sum] = record.trimEnd().split(' ');
    expect({ word, sum, length: record.length }).toEqual({
      ...{ word: 'RECORD', length: 96 },
      sum: createHash('sha256').update(`${firstFolder} ${digits}`).digest('hex'),
    });
    expect(Number(digits) % FILES.length).toBe(file);
    return Number(digits);
  });
}

/**
 * Expects the first records without a gap, as many as an instant allows.
 *
 * @param numbers of all files that were copied at that instant, in whatever order
 * @param journal of the records that those files are to have, by their place in it
 */
export function expectFirstRecords(
  numbers: readonly number[],
  journal: ReadonlyMap<number, RecordTimes>,
  { afterUptime, beforeUptime }: Instant,
): void {
  const expected = [...journal.keys()].toSorted((one, other) => one - other);
  expect(numbers.toSorted((one, other) => one - other)).toEqual(expected.slice(0, numbers.length));
  // The instant lies between two readings of the uptime, each of which is rounded down to 10 ms.
  const times = [...journal.values()];
  const done = times.filter(({ doneNs }) => doneNs < afterUptime * 1e9).length;
  const begun = times.filter(({ begunNs }) => begunNs < (beforeUptime + 0.01) * 1e9).length;
  expect(numbers.length).toBeGreaterThanOrEqual(done);
  expect(numbers.length).toBeLessThanOrEqual(begun);
  expect(done).toBeGreaterThan(0);
  // Else it could be the state at the end.
  expect(begun).toBeLessThan(times.length);
}

/** The part of a journal that belongs to some of the files, by number of the record. */
export const recordsOf = (
  journal: readonly RecordTimes[],
  files: readonly number[] = FILES,
): ReadonlyMap<number, RecordTimes> =>
  new Map(
    journal.map((times, at) => [at + 1, times] as const).filter(([number]) => files.includes(number % FILES.length)),
  );
