/** known_hosts as OpenSSH reads and writes it; ssh-keygen is the judge of what we write. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addressOf,
  checkHostKey,
  fingerprintOf,
  formatKnownHost,
  knownKeyTypes,
  parseKnownHosts,
} from '../../../shared/remote/ssh/known-hosts.ts';
import { createKey } from '../../support/remote/private-sshd.ts';

let folder: string;
/** name → "type base64" */
const keys: Record<string, string> = {};
const bytes = (name: string): Buffer => Buffer.from(keys[name]?.split(' ')[1] ?? '', 'base64');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-known-'));
  for (const [name, type] of [
    ['one', 'ed25519'],
    ['two', 'ed25519'],
    ['ec', 'ecdsa'],
  ] as const) {
    await createKey(join(folder, name), type);
    keys[name] = (await readFile(join(folder, `${name}.pub`), 'utf8')).split(' ').slice(0, 2).join(' ');
  }
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const check = (text: string, key: string, name = 'db1.lan', port = 22): string =>
  checkHostKey(parseKnownHosts(text, 'known_hosts'), { name, port }, bytes(key)).kind;

describe('a host key', () => {
  test('is known by name, by pattern, and by port', () => {
    expect(check(`db1.lan ${keys['one']}`, 'one')).toBe('known');
    expect(check(`other,*.lan ${keys['one']} a comment`, 'one')).toBe('known');
    expect(check(`DB?.lan ${keys['one']}`, 'one')).toBe('known');
    expect(check(`[db1.lan]:2222 ${keys['one']}`, 'one', 'db1.lan', 2222)).toBe('known');
    expect(check(`db1.lan ${keys['one']}`, 'one', 'db1.lan', 2222)).toBe('known');
  });

  test('is unknown for another name, another port, and where a pattern excludes it', () => {
    expect(check('', 'one')).toBe('unknown');
    expect(check(`db2.lan ${keys['one']}`, 'one')).toBe('unknown');
    expect(check(`db1xlan ${keys['one']}`, 'one')).toBe('unknown');
    expect(check(`*.lan,!db1.lan ${keys['one']}`, 'one')).toBe('unknown');
    expect(check(`[db1.lan]:2222 ${keys['one']}`, 'one')).toBe('unknown');
    expect(check(`db1.lan ${keys['two']}`, 'one', 'db1.lan', 2222)).toBe('unknown');
  });

  test('has changed when another one of its type is known, and only then', () => {
    expect(check(`db1.lan ${keys['two']}`, 'one')).toBe('changed');
    expect(check(`db1.lan ${keys['two']}\ndb1.lan ${keys['one']}`, 'one')).toBe('known');
    const other = checkHostKey(
      parseKnownHosts(`db1.lan ${keys['ec']}`, 'f'),
      { name: 'db1.lan', port: 22 },
      bytes('one'),
    );
    expect(other).toMatchObject({ kind: 'unknown', others: [{ keyType: 'ecdsa-sha2-nistp256' }] });
  });

  test('that is revoked stays so, whatever else is said', () => {
    expect(check(`db1.lan ${keys['one']}\n@revoked * ${keys['one']}`, 'one')).toBe('revoked');
    expect(check(`@revoked * ${keys['two']}\ndb1.lan ${keys['one']}`, 'one')).toBe('known');
  });

  test('of an authority that signs certificates is no key of the host', () => {
    const verdict = checkHostKey(
      parseKnownHosts(`@cert-authority *.lan ${keys['one']}`, 'f'),
      { name: 'db1.lan', port: 22 },
      bytes('one'),
    );
    expect(verdict).toMatchObject({ kind: 'unknown', authorities: [{ line: 1 }] });
  });

  test('tells where it stands', () => {
    const text = `# a comment\n\nbroken line\n${keys['one']}\ndb1.lan ssh-rsa ${keys['two']?.split(' ')[1]}\ndb1.lan ${keys['two']}\n`;
    const entries = parseKnownHosts(text, '/x');
    expect(entries.map((entry) => entry.line)).toEqual([6]);
    expect(knownKeyTypes(entries, { name: 'db1.lan', port: 22 })).toEqual(['ssh-ed25519']);
  });
});

describe('OpenSSH agrees', () => {
  test('with our fingerprints', async () => {
    const { stdout } = await execa('ssh-keygen', ['-l', '-f', join(folder, 'one.pub')]);
    expect(stdout.split(' ')[1]).toBe(fingerprintOf(bytes('one')));
  });

  test.each([
    { hashed: false, port: 22 },
    { hashed: true, port: 22 },
    { hashed: true, port: 2222 },
  ])('with the lines that we write ($hashed, $port)', async ({ hashed, port }) => {
    const host = { name: 'db1.lan', port };
    const file = join(folder, 'written');
    await writeFile(file, formatKnownHost(host, bytes('one'), hashed));
    const found = await execa('ssh-keygen', ['-F', addressOf(host), '-f', file]);
    expect(found.stdout).toContain(keys['one']);
    expect(check(await readFile(file, 'utf8'), 'one', host.name, port)).toBe('known');
  });

  test('with the names that it hashed', async () => {
    const file = join(folder, 'hashed');
    await writeFile(file, `db1.lan ${keys['one']}\n[db1.lan]:2222 ${keys['two']}\n`);
    await execa('ssh-keygen', ['-H', '-f', file]);
    const text = await readFile(file, 'utf8');
    expect(text).not.toContain('db1');
    expect(check(text, 'one')).toBe('known');
    expect(check(text, 'two')).toBe('changed');
    expect(check(text, 'two', 'db1.lan', 2222)).toBe('known');
  });
});
