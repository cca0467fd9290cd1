/** The password of a repository, from each of its places, and what is said when it is not to be had. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asksPerson, resolvePassword, resolveStoreSecret } from '../../../shared/access/repository-secrets.ts';
import type { ResolvedSecret } from '../../../shared/access/secret-place.ts';
import { never } from '../../../shared/base/cancel.ts';
import { redact } from '../../../shared/base/log.ts';
import { parseLocation } from '../../../shared/domain/location.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import type { Prompter } from '../../../shared/domain/prompter.ts';
import type { RepositorySpec } from '../../../shared/domain/source.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-password-'));
});
afterEach(() => rm(folder, { recursive: true }));

const answering = (answer: string | undefined): Prompter => ({
  ask: () => Promise.resolve(answer),
  confirmHostKey: () => Promise.resolve(false),
  settle: () => undefined,
});

function resolve(
  place: Partial<RepositorySpec>,
  answer?: string,
  signal: AbortSignal = never,
): Promise<ResolvedSecret> {
  return resolvePassword(repositoryAt('/srv/backup', place), answering(answer), signal);
}

function repositoryAt(location: string, more: Partial<RepositorySpec> = {}): RepositorySpec {
  const place = parseLocation(location);
  const nowhere = { passwordFile: undefined, passwordCommand: undefined };
  return { name: repositoryName('main'), location, place, store: {}, ...nowhere, ...more };
}

const refused = (message: string): unknown =>
  expect.objectContaining({ code: 'config.secret-unavailable', message: expect.stringContaining(message) as unknown });

test('a person at a terminal can help where one is asked or a command may ask, and not where a file is missing', async () => {
  const helped = { details: { personHelps: true } };
  await expect(resolve({})).rejects.toMatchObject(helped);
  await expect(resolve({ passwordCommand: ['false'] })).rejects.toMatchObject(helped);
  await expect(resolve({ passwordFile: join(folder, 'gone') })).rejects.not.toMatchObject(helped);
});

describe('the password in a file', () => {
  test.each([
    ['secret word\n', 'secret word'],
    ['secret word\r\n', 'secret word'],
    ['secret word', 'secret word'],
    ['two newlines\n\n', 'two newlines'],
    ['\ufeff\t two  words \u0085\u00a0\r\n', 'two  words'],
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
    await expect(resolve({ passwordFile })).rejects.toEqual(
      refused(`cannot be read: there is no file "${passwordFile}"`),
    );
    await symlink(passwordFile, passwordFile);
    await expect(resolve({ passwordFile })).rejects.toMatchObject({
      message: `The password of the repository "main" cannot be read: "${passwordFile}" is refused (ELOOP).`,
      advice: 'Make it readable for the user who runs this.',
    });
    await rm(passwordFile);
    await writeFile(passwordFile, '\n');
    await expect(resolve({ passwordFile })).rejects.toEqual(refused(`is empty: nothing is in "${passwordFile}"`));
    await writeFile(passwordFile, Buffer.from([0x61, 0xff]));
    await expect(resolve({ passwordFile })).rejects.toEqual(refused('is not text or is far too long'));
    await writeFile(passwordFile, 'x'.repeat(70_000));
    await expect(resolve({ passwordFile })).rejects.toEqual(refused('is not text or is far too long'));
    await expect(resolve({ passwordFile: folder })).rejects.toEqual(refused('is not a file'));
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
    await expect(resolve(shell('exit 0'))).rejects.toEqual(refused('is empty: the command "/bin/sh" printed nothing'));
  });

  test('says why a command cannot be run, and what its words are', async () => {
    await expect(resolve({ passwordCommand: ['pass show backup'] })).rejects.toMatchObject({
      message: expect.stringContaining('"pass show backup", which cannot be run (ENOENT)') as string,
      advice: expect.stringMatching(/no such program.* \["pass", "show", "backup"\]; no shell/) as string,
    });
    await expect(resolve({ passwordCommand: [folder] })).rejects.toMatchObject({
      message: expect.stringContaining('which cannot be run (EACCES)') as string,
      advice: expect.stringContaining('may be run by the user who runs this') as string,
    });
    await expect(resolve({ passwordCommand: ['yes'] })).rejects.toEqual(
      refused('which printed more than a password can be'),
    );
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
    await expect(resolve({})).rejects.toEqual(refused('is not in the configuration and was not given'));
    await expect(resolve({}, '')).rejects.toEqual(refused('is empty'));
  });
});

describe('what a store asks for', () => {
  const s3 = (options: RepositorySpec['store']['s3']): RepositorySpec =>
    repositoryAt('s3:https://store/bucket', { store: { s3: options } });
  const rest = (location: string, options?: RepositorySpec['store']['rest']): RepositorySpec =>
    repositoryAt(location, { store: { rest: options } });

  test.each([
    ['a folder', repositoryAt('/srv/backup')],
    ['an S3 store whose keys are elsewhere', s3(undefined)],
    ['an S3 store with a profile', s3({ profile: 'backup' })],
    ['a server without a user', rest('rest:http://h/')],
    ['a server whose password is in the location', rest('rest:http://me:violet-door@h/')],
  ])('is nothing for %s', async (_, repository) => {
    expect(await resolveStoreSecret(repository, answering('never asked'), never)).toBeUndefined();
  });

  test.each([
    ['the secret key of an S3 store', s3({ accessKeyId: 'backup', secretKeyCommand: ['echo', 'violet-door'] })],
    ['the password of a server', rest('rest:http://me@h/', { passwordCommand: ['echo', 'violet-door'] })],
    [
      'the password of a user beside it',
      rest('rest:http://h/', { user: 'me', passwordCommand: ['echo', 'violet-door'] }),
    ],
  ])('is %s', async (_, repository) => {
    expect(await resolveStoreSecret(repository, answering(undefined), never)).toMatchObject({ value: 'violet-door' });
    expect(redact('violet-door')).toBe('[redacted]');
  });

  test('is asked of a person, who is told what it is for', async () => {
    const repository = s3({ accessKeyId: 'backup' });
    const questions: unknown[] = [];
    const prompter = { ...answering('x'), ask: (question: unknown) => Promise.resolve(void questions.push(question)) };
    await expect(resolveStoreSecret(repository, prompter, never)).rejects.toEqual(
      refused('The secret key "backup" of the store of the repository "main" is not in the configuration'),
    );
    expect(questions).toEqual([
      {
        kind: 'store-secret',
        subject: 'main',
        key: 'backup at s3:https://store/bucket',
        text: 'Secret key of "backup" for "s3:https://store/bucket":',
        echo: false,
      },
    ]);
  });

  test.each([
    [s3({ accessKeyId: 'k' }), '"secretKeyFile" or "secretKeyCommand" into "s3" of the repository\'s entry'],
    [rest('rest:http://me@h/'), '"passwordFile" or "passwordCommand" into "rest" of the repository\'s entry'],
  ])('says where it is written', async (repository, where) => {
    await expect(resolveStoreSecret(repository, answering(undefined), never)).rejects.toMatchObject({
      advice: expect.stringContaining(where) as string,
    });
  });

  test.each([
    ['a password that is written nowhere', repositoryAt('/srv/backup'), true],
    ['a password in a file', repositoryAt('/srv/backup', { passwordFile: '/x' }), false],
    ['a secret key that is written nowhere', { ...s3({ accessKeyId: 'k' }), passwordFile: '/x' }, true],
    ['a secret key in a file', { ...s3({ accessKeyId: 'k', secretKeyFile: '/x' }), passwordFile: '/x' }, false],
  ])('asks a person for %s or does not', (_, repository, asks) => {
    expect(asksPerson(repository)).toBe(asks);
  });
});
