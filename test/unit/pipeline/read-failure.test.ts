import { expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import type { ErrorCode } from '../../../shared/base/error-codes.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import { rethrowWithVerdict } from '../../../shared/pipeline/backup/read-failure.ts';

const error = (code: ErrorCode): StillpointError => new StillpointError(code, code, { advice: '', cause: undefined });
const tar = error('remote.command-failed');
const judging = (verdict?: Error): (() => Promise<void>) =>
  verdict === undefined ? async () => undefined : () => Promise.reject(verdict);

test.each<[ErrorCode, boolean]>([
  ['snapshot.full', true],
  ['snapshot.identity-changed', true],
  ['snapshot.lease-lost', true],
  ['host.rebooted', true],
  ['ssh.connection-lost', false],
  ['remote.deadline', false],
  ['run.cancelled', false],
])('reading that failed, and a verdict of %s: the verdict is the reason: %s', async (code, isReason) => {
  const verdict = error(code);
  await expect(rethrowWithVerdict(tar, judging(verdict), never)).rejects.toBe(isReason ? verdict : tar);
});

test('a sound snapshot leaves the error as it is, and so does a fault of ours', async () => {
  await expect(rethrowWithVerdict(tar, judging(), never)).rejects.toBe(tar);
  await expect(rethrowWithVerdict(tar, judging(new TypeError('ours')), never)).rejects.toBe(tar);
});

test('nobody is asked after a cancel', async () => {
  const asked: string[] = [];
  const judge = async (): Promise<void> => void asked.push('asked');
  await expect(rethrowWithVerdict(tar, judge, AbortSignal.abort())).rejects.toBe(tar);
  expect(asked).toEqual([]);
});
