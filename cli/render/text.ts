/**
 * Words and figures for people. Whatever came from a host, a repository or a job's record passes `shown` before it
 * reaches a terminal: a file name must not be able to move the cursor or paint over a line.
 */
import { styleText } from 'node:util';
import { displayText } from '../../shared/base/bytes.ts';

/** Control and direction characters made visible; text that was made visible before stays as it is. */
export function shown(text: string): string {
  return displayText(text);
}

/** 41 → "41 ms", 12 345 → "12.3 s", 185 000 → "3 min 05 s", 7 620 000 → "2 h 07 min". */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** "2026-11-23 04:45:28 UTC". Hosts, logs and laptops disagree about local time; UTC is the same everywhere. */
export function formatTime(iso: string | undefined): string {
  if (iso === undefined) return '-';
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? shown(iso) : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** 10120 → "10 120". */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ' ');
}

/** "1 file", "3 files". */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green';
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;
export const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false });

/** Names on one line; where there are many, the first of them. */
export function enumerated(names: readonly string[]): string {
  const first = names.slice(0, NAMES_LIMIT).map(shown).join(', ');
  return names.length > NAMES_LIMIT ? `${first} and others; --json names more` : first;
}

const NAMES_LIMIT = 6;
