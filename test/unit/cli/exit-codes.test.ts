/** Exit codes are a promise to scripts: the numbers and what leads to them are pinned here. */
import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { EXIT, EXIT_OF_AREA, exitCodeOf, exitCodeOfJob } from '../../../cli/exit-codes.ts';
import { ASKED_FINDINGS } from '../../../cli/findings.ts';
import { shownVerb } from '../../../cli/verbs.ts';
import { ERROR_CODES } from '../../../shared/base/error-codes.ts';
import { verbOf } from '../../../shared/domain/verbs/verbs.ts';
import { ENDS_OF_JOBS, EXIT_MEANING } from '../../support/exit-meanings.ts';
import {
  sampleBackup,
  sampleCheck,
  samplePartialRestore,
  sampleRestore,
  sampleSkipped,
  sampleSweep,
  sampleVerify,
} from '../../support/sample-data.ts';
import { sampleRepair } from '../../support/sample-repair.ts';

test('the numbers are the agreed ones', () => {
  expect(EXIT).toEqual({
    ok: 0,
    failed: 1,
    usage: 2,
    configuration: 3,
    connection: 4,
    host: 5,
    repository: 6,
    restore: 7,
    findings: 8,
    partial: 9,
    cancelled: 130,
    brokenPipe: 141,
  });
  expect(Object.keys(EXIT_MEANING).map(Number)).toEqual(Object.values(EXIT));
});

test('every area of error codes has an exit code, and no area is made up', () => {
  const areas = new Set(Object.keys(ERROR_CODES).map((code) => code.split('.')[0]));
  expect(new Set(Object.keys(EXIT_OF_AREA))).toEqual(areas);
});

test.each([
  ['internal.unexpected', 1],
  ['usage.invalid', 2],
  ['config.unknown-source', 3],
  ['ssh.host-key-changed', 4],
  ['remote.sudo-refused', 4],
  ['host.path-not-found', 5],
  ['snapshot.no-room', 5],
  ['snapshot.lease-lost', 5],
  ['read.incomplete', 5],
  ['repository.wrong-password', 6],
  ['backend.no-space', 6],
  ['restore.target', 7],
  ['job.not-found', 1],
  ['plan.stale', 1],
  ['run.deadline', 1],
  ['run.cancelled', 130],
  ['output.closed', 141],
  ['output.failed', 1],
  ['something.from-the-future', 1],
])('%s → %d', (code, exit) => {
  expect(exitCodeOf(code)).toBe(exit);
});

test('a job that ended well but not wholly has its own number', () => {
  expect(exitCodeOfJob('succeeded', sampleBackup, undefined)).toBe(0);
  expect(exitCodeOfJob('succeeded', sampleRestore, undefined)).toBe(0);
  expect(exitCodeOfJob('succeeded', sampleVerify, undefined)).toBe(0);
  expect(exitCodeOfJob('succeeded', sampleSkipped, undefined)).toBe(8);
  expect(exitCodeOfJob('succeeded', sampleCheck, undefined)).toBe(8);
  expect(exitCodeOfJob('succeeded', sampleSweep, undefined)).toBe(8);
  expect(exitCodeOfJob('succeeded', { ...sampleSweep, kept: [] }, undefined)).toBe(0);
  const sound = { ...sampleRepair, plan: { ...sampleRepair.plan, lost: [], notes: [] } };
  const left = { object: 'restore point 9c0d1e2f', reason: 'cannot be read; --forget removes it' };
  expect(exitCodeOfJob('succeeded', sound, undefined)).toBe(0);
  expect(exitCodeOfJob('succeeded', { ...sound, plan: { ...sound.plan, notes: [left] } }, undefined)).toBe(8);
});

test('what leads to 8 and 9 is on the page of the command line', async () => {
  for (const { kind, ends } of ENDS_OF_JOBS) {
    expect([kind, ends.findings !== undefined]).toEqual([kind, shownVerb({ kind }).hasFindings !== undefined]);
    expect([kind, ends.partial !== undefined]).toEqual([kind, verbOf({ kind }).isPartial !== undefined]);
  }
  // Commands that ask say it by `lookAt`, whose words are on the page, too
  const folder = new URL('../../../cli/commands/', import.meta.url);
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(new URL(name, folder), 'utf8')));
  expect(texts.filter((text) => text.includes('EXIT.findings'))).toEqual([]);
  for (const command of Object.keys(ASKED_FINDINGS)) {
    expect([command, texts.filter((text) => text.includes(`shell.lookAt('${command}')`)).length]).toEqual([command, 1]);
  }
});

test('a job that did not end well has the number of its error', () => {
  expect(exitCodeOfJob('failed', undefined, 'snapshot.full')).toBe(5);
  expect(exitCodeOfJob('interrupted', undefined, undefined)).toBe(1);
  expect(exitCodeOfJob('cancelled', undefined, 'run.cancelled')).toBe(130);
});

test('a restore without some of what was wanted is not called done', () => {
  expect(exitCodeOfJob('succeeded', sampleRestore, undefined)).toBe(0);
  expect(exitCodeOfJob('succeeded', samplePartialRestore, undefined)).toBe(9);
  expect(exitCodeOfJob('succeeded', { ...sampleRestore, gaps: 'It is partial.' }, undefined)).toBe(8);
});
