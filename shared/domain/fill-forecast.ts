/**
 * When a snapshot that fills will be full, from what the host's guard saw of it. Pure. What a person on call wants: nothing as
 * long as the run will end before, one word in time where it will not, another one where it has come much closer, and one
 * when the danger is over.
 */
import { formatBytes } from '../base/bytes.ts';

/** What was seen of one snapshot; the uptime of the host in seconds, because its clock may jump. */
export interface FillSample {
  readonly uptimeSeconds: number;
  readonly usedBytes: number;
  readonly totalBytes: number;
}

export interface FillTerms {
  /** How large the host lets it grow. */
  readonly mostBytes: number;
  /** For how long it is probably still read; undefined where that is not known. */
  readonly readingLeftMs: number | undefined;
}

/** `fullInMs` undefined: it was to be said to be full soon, and is not to any more. */
export interface FillForecast {
  readonly usedBytes: number;
  readonly mostBytes: number;
  readonly bytesPerSecond: number;
  readonly fullInMs: number | undefined;
}

/** Nothing is said of what is further away. */
const HORIZON_MS = 30 * 60_000;
/** What was said is taken back when it is as far away as this. */
const EASED_MS = 2 * HORIZON_MS;
/** By what was written in this time before, and at least in this. */
const WINDOW_SECONDS = 150;
const LEAST_SECONDS = 20;
/** The reading may take longer than it looks. */
const READING_MARGIN = 1.25;
/** The guard lets it grow at 0.7; one that is so much fuller has grown as far as it could. */
const GROWN_SHARE = 0.85;

/** Of one snapshot. Each look is given once, in order. */
export class FillWatch {
  #samples: readonly FillSample[] = [];
  /** How often in a row it was found to be worth a word. One time may be a burst. */
  #inRow = 0;
  /** When it was to be full by what was said last. */
  #saidMs: number | undefined;

  /** What is to be said now, if anything. */
  look(sample: FillSample, { mostBytes, readingLeftMs }: FillTerms): FillForecast | undefined {
    const { uptimeSeconds, usedBytes, totalBytes } = sample;
    const before = this.#samples.at(-1);
    // The same look again, another boot, or one that was made anew.
    if (before !== undefined && uptimeSeconds <= before.uptimeSeconds) return undefined;
    if (before !== undefined && usedBytes < before.usedBytes) this.#samples = [];
    this.#samples = [...this.#samples.filter((each) => uptimeSeconds - each.uptimeSeconds <= WINDOW_SECONDS), sample];
    const bytesPerSecond = rateOf(this.#samples);
    if (bytesPerSecond === undefined) return undefined;
    const limit = usedBytes >= totalBytes * GROWN_SHARE ? totalBytes : Math.max(totalBytes, mostBytes);
    const fullInMs = bytesPerSecond <= 0 ? Number.POSITIVE_INFINITY : ((limit - usedBytes) / bytesPerSecond) * 1000;
    const said = { usedBytes, mostBytes: limit, bytesPerSecond };
    const endsBefore = readingLeftMs !== undefined && readingLeftMs * READING_MARGIN < fullInMs;
    if (fullInMs < HORIZON_MS && !endsBefore) {
      this.#inRow += 1;
      if (this.#inRow < 2 || (this.#saidMs !== undefined && fullInMs > this.#saidMs / 2)) return undefined;
      this.#saidMs = fullInMs;
      return { ...said, fullInMs: Math.round(fullInMs) };
    }
    this.#inRow = 0;
    if (this.#saidMs === undefined || (fullInMs < EASED_MS && !endsBefore)) return undefined;
    this.#saidMs = undefined;
    return { ...said, fullInMs: undefined };
  }
}

/** Bytes a second over the window; undefined where too little was seen. */
function rateOf(samples: readonly FillSample[]): number | undefined {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const seconds = last.uptimeSeconds - first.uptimeSeconds;
  return seconds < LEAST_SECONDS ? undefined : (last.usedBytes - first.usedBytes) / seconds;
}

/** Of what it was said: a snapshot with room of its own, or one that has to go when what it shares with its origin is so full. */
export interface FillingSnapshot {
  /** Of which it is. */
  readonly volume: string;
  readonly shares?: { readonly where: string; readonly what: string } | undefined;
}

/** In the same words for all shells. */
export function forecastWords(
  { volume, shares }: FillingSnapshot,
  { usedBytes, mostBytes, bytesPerSecond, fullInMs }: FillForecast,
): string {
  const facts = `${formatBytes(usedBytes)} of ${formatBytes(mostBytes)} are used, ${formatBytes(Math.round(bytesPerSecond))}/s are added`;
  const [what, end] =
    shares === undefined
      ? [`the snapshot of ${volume}`, 'full']
      : [`the ${shares.what} of "${shares.where}"`, `so full that the snapshot of ${volume} is given up`];
  if (fullInMs === undefined) return `${what} is not expected to be ${end} any more: ${facts}`;
  const minutes = Math.round(fullInMs / 60_000);
  const when = minutes < 2 ? `${Math.max(1, Math.round(fullInMs / 1000))} s` : `${minutes} minutes`;
  return `${what} will be ${end} in about ${when} if it goes on like this, and the run ends then: ${facts}`;
}
