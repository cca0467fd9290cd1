/**
 * What a writer was told, beside everything that is backed up: a line "begun NUMBER UPTIME" before each transaction, and
 * "done NUMBER UPTIME" when it was answered. A copy has to have all that was done before its instant, and nothing that was
 * begun after it.
 */
import { readFileSync } from 'node:fs';

/** Of the host, in seconds, to a hundredth and rounded down. */
export const uptime = (): string => readFileSync('/proc/uptime', 'latin1').split(' ', 1)[0] ?? '';

/** As far as it is to be known what a copy has. Uptimes in seconds. */
export interface Bounds {
  readonly doneBefore: number;
  readonly begunAfter: number;
}

/** The least and the largest number of transactions that a copy may have. @param journal its lines */
export function numbersIn(journal: string, { doneBefore, begunAfter }: Bounds): readonly [least: number, most: number] {
  const lines = journal.split('\n').map((line) => /^(begun|done) (\d+) (\d+\.\d\d)$/.exec(line));
  const highest = (word: string, until: number): number =>
    lines.reduce(
      (most, line) => (line?.[1] === word && Number(line[3]) < until ? Math.max(most, Number(line[2])) : most),
      0,
    );
  return [highest('done', doneBefore), highest('begun', begunAfter + 0.01)];
}
