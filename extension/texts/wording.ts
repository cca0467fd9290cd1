/**
 * What every text needs: the translation of a sentence and the reader's way of writing times. It is passed in, so that
 * texts are plain functions that run and are tested without an editor.
 */

/** `vscode.l10n.t`: a whole English sentence with `{0}` for values. */
export type Translate = (message: string, ...values: (string | number)[]) => string;

export interface Wording {
  readonly t: Translate;
  /** BCP 47, such as "en" or "de". */
  readonly locale: string;
  /** IANA name; the machine's own when absent. */
  readonly timeZone?: string;
}

/**
 * ISO 8601 to the reader's date and time, on 24 hours as logs have it, and to the second: two restore points
 * of one minute must not look the same.
 */
export function formatTime(iso: string, wording: Wording): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  return new Intl.DateTimeFormat(wording.locale, {
    dateStyle: 'medium',
    timeStyle: 'medium',
    hourCycle: 'h23',
    ...(wording.timeZone === undefined ? {} : { timeZone: wording.timeZone }),
  }).format(time);
}

/** 950 → "950 ms", 83000 → "1 min 23 s". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
