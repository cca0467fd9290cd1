import { expect, test } from 'vitest';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { paceOf } from '../../../shared/pipeline/backup/pace.ts';

function reading() {
  const told: RunEventBody[] = [];
  let atMs = 0;
  const pace = paceOf((event) => void told.push(event), { monotonicMs: () => atMs });
  const at = (seconds: number, bytesDone: number, bytesTotal: number | undefined, phase: 'read' | 'dump' = 'read') => {
    atMs = seconds * 1000;
    pace.emit({ type: 'progress', phase, filesDone: 0, filesTotal: undefined, bytesDone, bytesTotal });
    return pace.readingLeftMs();
  };
  return { told, pace, at };
}

test('reading is over when what is left has come as fast as what came last', () => {
  const { at, told } = reading();
  expect(at(0, 0, 1000)).toBeUndefined();
  expect(at(5, 100, 1000)).toBeUndefined();
  expect(at(10, 200, 1000)).toBe(40_000);
  // What was unchanged at the beginning says nothing of how fast the rest comes.
  expect(at(20, 900, 1000)).toBeCloseTo(2222, 0);
  expect(at(300, 910, 1000)).toBeUndefined();
  expect(at(320, 920, 1000)).toBe(160_000);
  expect(told).toHaveLength(6);
});

test('nothing is known where nothing comes, or where nobody knows how much there is', () => {
  const { at, pace } = reading();
  expect(pace.readingLeftMs()).toBeUndefined();
  at(0, 0, 1000, 'dump');
  expect(at(60, 500, 1000, 'dump')).toBeUndefined();
  at(100, 10, 1000);
  expect(at(160, 10, 1000)).toBeUndefined();
  expect(at(190, 20, undefined)).toBeUndefined();
});
