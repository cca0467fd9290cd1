import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderEvent } from '../../../cli/render/event.ts';
import { eventLines } from '../../../extension/texts/event-lines.ts';
import { eventOf } from '../../../mcp-server/shapes/event.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import { type FillForecast, type FillSample, FillWatch, forecastWords } from '../../../shared/domain/fill-forecast.ts';

const MIB = 1024 ** 2;
const MINUTE_MS = 60_000;
const EVERY_SECONDS = 30;

interface Said extends FillForecast {
  readonly atSeconds: number;
}

/** A look every half a minute until it is full; the guard makes it a quarter larger at 70 %, up to the most. */
function watch(
  usedAt: (seconds: number) => number,
  { totalBytes, mostBytes, seconds, readingLeftMs }: Terms,
): { readonly said: readonly Said[]; readonly fullAtSeconds: number | undefined } {
  const fills = new FillWatch();
  const said: Said[] = [];
  let total = totalBytes;
  for (let at = 0; at <= seconds; at += EVERY_SECONDS) {
    const usedBytes = Math.round(usedAt(at));
    while (usedBytes >= total * 0.7 && total < mostBytes) total = Math.min(mostBytes, Math.ceil(total * 1.25));
    if (usedBytes >= total) return { said, fullAtSeconds: at };
    const sample: FillSample = { uptimeSeconds: 1000 + at, usedBytes, totalBytes: total };
    const forecast = fills.look(sample, { mostBytes, readingLeftMs: readingLeftMs?.(at) });
    if (forecast !== undefined) said.push({ ...forecast, atSeconds: at });
  }
  return { said, fullAtSeconds: undefined };
}

interface Terms {
  readonly totalBytes: number;
  readonly mostBytes: number;
  readonly seconds: number;
  readonly readingLeftMs?: (atSeconds: number) => number;
}

const terms = { totalBytes: 256 * MIB, mostBytes: 1024 * MIB, seconds: 24 * 3600 };
const steady = (bytesPerSecond: number) => (seconds: number) => seconds * bytesPerSecond;

describe('a snapshot that fills', () => {
  test('at a steady rate is said to be full before it is, within a tenth of the time, and not over and over', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1024, max: 2 * MIB }),
        fc.integer({ min: 64, max: 4096 }),
        fc.double({ min: 1, max: 8, noNaN: true }),
        (rate, sizeMib, growth) => {
          const totalBytes = sizeMib * MIB;
          const mostBytes = Math.round(totalBytes * growth);
          const { said, fullAtSeconds } = watch(steady(rate), { totalBytes, mostBytes, seconds: 14 * 24 * 3600 });
          if (fullAtSeconds === undefined || fullAtSeconds < 4 * EVERY_SECONDS) return;
          expect(said.length).toBeGreaterThan(0);
          expect(said.length).toBeLessThanOrEqual(8);
          for (const { atSeconds, fullInMs = 0 } of said) {
            const really = (mostBytes / rate - atSeconds) * 1000;
            expect(fullInMs).toBeLessThanOrEqual(30 * MINUTE_MS);
            expect(Math.abs(fullInMs - really)).toBeLessThanOrEqual(really / 10 + 1000);
          }
        },
      ),
    );
  });

  test('is said as late as it matters, and again when half of the time has gone', () => {
    const { said } = watch(steady(100 * 1024), terms);
    expect(said.map(({ fullInMs = 0 }) => Math.round(fullInMs / MINUTE_MS))).toEqual([29, 14, 7, 3, 1, 0]);
  });

  test('says nothing where it does not fill, fills slowly, or will be read before', () => {
    for (const rate of [0, 1, 100]) expect(watch(steady(rate), terms).said).toEqual([]);
    const readingLeftMs = (at: number) => Math.max(0, 5 * MINUTE_MS - at * 1000);
    expect(watch(steady(MIB), { ...terms, readingLeftMs }).said).toEqual([]);
    // Reading that never ends does not hide it.
    expect(watch(steady(MIB), { ...terms, readingLeftMs: () => 60 * MINUTE_MS }).said.length).toBeGreaterThan(0);
  });

  test('is not said to be full soon after one burst', () => {
    const burst = (at: number) => (at < 300 ? 0 : 300 * MIB);
    const { said } = watch(burst, { ...terms, seconds: 3600 });
    expect(said.length).toBeLessThanOrEqual(2);
    // What was said is taken back.
    expect(said.at(-1)?.fullInMs).toBeUndefined();
  });

  test('has a word for it when the danger is over', () => {
    const { said } = watch((at) => (at < 600 ? at * MIB : 600 * MIB), { ...terms, seconds: 3600 });
    expect(said.map(({ fullInMs }) => fullInMs !== undefined)).toEqual([true, ...said.slice(2).map(() => true), false]);
  });

  test('counts with the size that it has where it should have grown and did not', () => {
    const fills = new FillWatch();
    const at = (seconds: number, used: number) =>
      fills.look(
        { uptimeSeconds: seconds, usedBytes: used * MIB, totalBytes: 100 * MIB },
        { mostBytes: 1e6 * MIB, readingLeftMs: undefined },
      );
    const all = [80, 82, 84, 86, 88].map((used, index) => at(index * 30, used));
    expect(all.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    expect(all[4]).toMatchObject({ mostBytes: 100 * MIB, fullInMs: (12 / 2) * 30_000 });
  });

  test('never throws and never says what is no time, whatever it is shown', () => {
    const sample = fc.record({
      uptimeSeconds: fc.double({ min: 0, max: 1e9, noNaN: true }),
      usedBytes: fc.nat(),
      totalBytes: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 40 }), fc.nat(), fc.option(fc.nat()), (samples, mostBytes, left) => {
        const fills = new FillWatch();
        for (const each of samples) {
          const said = fills.look(each, { mostBytes, readingLeftMs: left ?? undefined });
          if (said?.fullInMs === undefined) continue;
          expect(said.fullInMs).toBeGreaterThanOrEqual(0);
          expect(said.fullInMs).toBeLessThan(30 * MINUTE_MS);
          expect(Number.isInteger(said.fullInMs)).toBe(true);
        }
      }),
    );
  });
});

test('is told in the same words in each shell', () => {
  const event: RunEvent & { type: 'fill-forecast' } = {
    ...{ type: 'fill-forecast', seq: 4, at: '2026-11-30T03:14:05.000Z', host: 'web1' },
    ...{ volume: 'vg0/files', snapshot: 'sp_a', usedBytes: 700 * MIB, mostBytes: 1024 * MIB },
    ...{ bytesPerSecond: 600 * 1024, fullInMs: 9 * MINUTE_MS },
  };
  const words =
    'the snapshot of vg0/files will be full in about 9 minutes if it goes on like this, and the run ends then: 700 MiB of 1.0 GiB are used, 600 KiB/s are added';
  const t = (text: string, ...parts: unknown[]): string => text.replaceAll(/\{(\d)\}/g, (_, at) => String(parts[+at]));
  expect(renderEvent(event, (_, text) => text)).toEqual({ text: `  ${words}\n`, trouble: true });
  expect(JSON.stringify(eventOf(event))).toContain(words);
  expect(eventLines(event, 'backup', { t, locale: 'en', timeZone: 'UTC' })).toEqual([`03:14:05  On "web1" ${words}.`]);
  const shares = { where: 'vg0/pool', what: 'data' };
  expect(forecastWords({ ...event, shares }, { ...event, fullInMs: 61_000 })).toMatch(
    /^the data of "vg0\/pool" will be so full that the snapshot of vg0\/files is given up in about 61 s if/,
  );
  expect(forecastWords(event, { ...event, fullInMs: undefined })).toMatch(
    /^the snapshot of vg0\/files is not expected to be full any more: /,
  );
});
