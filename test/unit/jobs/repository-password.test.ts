/** The password of a repository, from each of its places, and what is said when it is not to be had. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { redact } from '../../../shared/base/log.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import type { Prompter } from '../../../shared/domain/prompter.ts';
import type { RepositorySpec } from '../../../shared/domain/source.ts';
import { type ResolvedPassword, resolvePassword } from '../../../shared/jobs/repository-password.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-password-'));
});
afterEach(() => rm(folder, { recursive: true }));

const answering = (answer: string | undefined): Prompter => ({
  ask: () => Promise.resolve(answer),
  confirmHostKey: () => Promise.resolve(false),
});

function resolve(
  place: Partial<RepositorySpec>,
  answer?: string,
  signal: AbortSignal = never,
): Promise<ResolvedPassword> {
  const nowhere = { passwordFile: undefined, passwordCommand: undefined };
  const repository = { name: repositoryName('main'), location: '/srv/backup', ...nowhere, ...place };
  return resolvePassword(repository, answering(answer), signal);
}

const refused = (message: string): unknown =>
  expect.objectContaining({ code: 'config.secret-unavailable', message: expect.stringContaining(message) as unknown });

describe('the password in a file', () => {
  test.each([
    ['secret word\n', 'secret word'],
    ['secret word\r\n', 'secret word'],
    ['secret word', 'secret word'],
    ['two newlines\n\n', 'two newlines\n'],
    [' spaces stay \n', ' spaces stay '],
    ['grüße\n', 'grüße'],
  ])('%j is %j', async (content, value) => {
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, content, { mode: 0o600 });
    expect(await resolve({ passwordFile })).toEqual({ value, from: 'file', warning: undefined });
  });

  test('is told of when others can read it, and is never shown again', async () => {
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, 'plum-kettle-7\n');
    await chmod(passwordFile, 0o644);
    expect((await resolve({ passwordFile })).warning).toEqual({
      code: 'config.secret-exposed',
      message: `Others on this machine can read the password file "${passwordFile}".`,
      advice: `Run: chmod 600 "${passwordFile}"`,
    });
    expect(redact('it is plum-kettle-7')).toBe('it is [redacted]');
  });

  test('is read from a pipe too', async () => {
    const passwordFile = join(folder, 'pipe');
    execFileSync('mkfifo', ['-m', '600', passwordFile]);
    const [password] = await Promise.all([resolve({ passwordFile }), writeFile(passwordFile, 'from a pipe\n')]);
    expect(password.value).toBe('from a pipe');
  });

  test('is refused when it is not there, empty, not text or something else', async () => {
    const passwordFile = join(folder, 'password');
    await expect(resolve({ passwordFile })).rejects.toEqual(refused(`is in "${passwordFile}", which is not there`));
    await writeFile(passwordFile, '\n');
    await expect(resolve({ passwordFile })).rejects.toEqual(refused('is empty'));
    await writeFile(passwordFile, Buffer.from([0x61, 0xff]));
    await expect(resolve({ passwordFile })).rejects.toEqual(refused('is no text or far too long'));
    await writeFile(passwordFile, 'x'.repeat(70_000));
    await expect(resolve({ passwordFile })).rejects.toEqual(refused('is no text or far too long'));
    await expect(resolve({ passwordFile: folder })).rejects.toEqual(refused('which is no file'));
  });
});

describe('the password from a command', () => {
  const shell = (script: string): Partial<RepositorySpec> => ({ passwordCommand: ['/bin/sh', '-c', script] });

  test('is what it prints', async () => {
    expect((await resolve(shell('printf "one \\n two\\n"'))).value).toBe('one \n two');
    expect((await resolve({ passwordCommand: ['printf', '%s', '$HOME; "quoted"'] })).value).toBe('$HOME; "quoted"');
  });

  test('is refused without a word of what it printed', async () => {
    const error = await resolve(shell('echo half-a-secret; echo half-a-secret >&2; exit 3')).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toEqual(refused('the command "/bin/sh", which ended with exit code 3'));
    const { message, advice, details, cause, stack } = error as Error & { advice: string; details: unknown };
    expect(JSON.stringify([message, advice, details, String(cause), stack])).not.toContain('half-a-secret');
    await expect(resolve({ passwordCommand: ['/not/there'] })).rejects.toEqual(refused('which cannot be run (ENOENT)'));
    await expect(resolve(shell('exit 0'))).rejects.toEqual(refused('is empty'));
  });

  test('is not waited for any longer than the caller wants', async () => {
    const controller = new AbortController();
    const waiting = resolve(shell('exec sleep 60'), undefined, controller.signal);
    controller.abort(new Error('changed my mind'));
    await expect(waiting).rejects.toThrow('changed my mind');
  });
});

describe('the password from a person', () => {
  test('is what they type', async () => {
    expect(await resolve({}, 'typed')).toEqual({ value: 'typed', from: 'person', warning: undefined });
  });

  test('is refused when they type nothing or nobody is there', async () => {
    await expect(resolve({})).rejects.toEqual(refused('is written nowhere, and nobody gave it'));
    await expect(resolve({}, '')).rejects.toEqual(refused('is empty'));
  });
});
