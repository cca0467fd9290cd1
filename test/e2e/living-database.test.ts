/** The demo's story with every promise as a test: the one run in which everything is real. */
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { type Story, tellStory } from '../demo/story.ts';
import { silentProgress } from '../lab/progress.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { NO_RESTIC } from '../support/restic.ts';

const whyNot = NO_RESTIC ?? (await reasonLabCannotRun());
let story: Story;

beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));

beforeAll(async () => {
  if (whyNot !== undefined) return;
  const teller = { progress: silentProgress, event: () => undefined };
  story = await tellStory(teller, new AbortController().signal);
});

test('restic finds the repository whole', () => {
  expect(story.resticCheck).toContain('no errors were found');
});

test("restic's restore and ours are equal in bytes and metadata", () => {
  expect(story.differences).toEqual([]);
});

test('the database starts on the restored files, and its own check finds nothing', () => {
  expect(story.rehearsal.complaints).toEqual([]);
  expect(story.rehearsal.wrongChecksums).toBe(0);
});

test('every order committed before the snapshot is there, and none begun after it', () => {
  const { rows, highestId } = story.rehearsal;
  expect(story.committedBefore).toBeGreaterThan(20);
  expect(rows).toBe(highestId);
  expect(highestId).toBeGreaterThanOrEqual(story.committedBefore);
  expect(highestId).toBeLessThanOrEqual(story.startedBefore);
});

test('two volumes are told as two instants', () => {
  expect(story.first.consistency).toBe('crash-skewed');
  expect(story.first.skewMs).toBeGreaterThan(0);
  for (const snapshot of story.first.snapshots) expect(snapshot.freezeMs).toBeGreaterThan(0);
});

test('the second backup builds on the first and leaves alone what had not changed', () => {
  const { second, first } = story;
  expect(second.parent).toBe(first.restorePoint);
  expect(second.files.unmodified).toBeGreaterThan(first.files.new / 2);
  expect(second.files.new + second.files.changed).toBeLessThan(first.files.new / 4);
});

test('the guest is left without a trace', () => {
  expect(story.traces).toEqual([]);
});
