/** One table for each set, a line for each program. */
import { formatBytes } from '../shared/base/bytes.ts';
import type { ProgramFigures } from './program.ts';

export interface Figures {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Undefined for a pipeline. */
  readonly peakBytes: number | undefined;
  readonly lineBytes: number;
  /** Of a backup. */
  readonly storedBytes?: number;
  /** Of our own program. */
  readonly lateMs?: ProgramFigures['lateMs'];
}

interface Row {
  readonly name: string;
  /** At least one. */
  readonly rounds: readonly Figures[];
}

const WIDTHS = [9, 7, 9, 11, 11, 11, 16];
const HEAD = ['wall', 'xfirst', 'cpu', 'peak', 'line', 'stored', 'late p99/most'];

/** Medians of all but the peak and the latest, which are the highest. */
export function printTable(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}`);
  console.log(`  ${inColumns(HEAD)}`);
  const first = rows[0] === undefined ? 1 : median(rows[0].rounds.map(({ seconds }) => seconds));
  for (const { name, rounds } of rows) {
    const middle = (of: (figures: Figures) => number): number => median(rounds.map(of));
    const seconds = middle((figures) => figures.seconds);
    const stored =
      rounds[0]?.storedBytes === undefined ? '' : formatBytes(middle(({ storedBytes = 0 }) => storedBytes));
    const late = rounds[0]?.lateMs === undefined ? '' : lateness(rounds);
    const each = rounds.map((round) => round.seconds.toFixed(1)).join(' ');
    const cells = [
      `${seconds.toFixed(2)} s`,
      `x${(seconds / first).toFixed(2)}`,
      `${middle(({ cpuSeconds }) => cpuSeconds).toFixed(1)} s`,
      rounds[0]?.peakBytes === undefined ? '' : formatBytes(Math.max(...rounds.map(({ peakBytes = 0 }) => peakBytes))),
      formatBytes(middle(({ lineBytes }) => lineBytes)),
      ...[stored, late],
    ];
    console.log(`  ${inColumns(cells)}  ${name}  (${each})`);
  }
}

function lateness(rounds: readonly Figures[]): string {
  const p99 = median(rounds.map(({ lateMs }) => lateMs?.p99 ?? 0));
  const most = Math.max(...rounds.map(({ lateMs }) => lateMs?.most ?? 0));
  return `${p99.toFixed(0)}/${most.toFixed(0)} ms`;
}

function inColumns(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padStart(WIDTHS[index] ?? 0)).join('');
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
