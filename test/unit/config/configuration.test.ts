/** A configuration file becomes values; which file it is; what is resolved against what. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readEnvironment } from '../../../shared/base/environment.ts';
import { isStillpointError } from '../../../shared/base/errors.ts';
import { redact } from '../../../shared/base/log.ts';
import { configPlace, loadConfiguration, parseConfiguration } from '../../../shared/config/configuration.ts';
import { findRepository, findSource, hostSpec } from '../../../shared/config/look-up.ts';
import { hostName, repositoryName, sourceName } from '../../../shared/domain/names.ts';

const FILE = '/home/ann/.config/stillpoint/config.jsonc';
const HOME = '/home/ann';

describe('a configuration', () => {
  test('becomes hosts, repositories and sources', () => {
    const configuration = parseConfiguration(
      `{
        // comments and trailing commas are fine
        "$schema": "./schema.json",
        "hosts": {
          "db1": {"ssh": "db1.example.org", "sshConfigFile": "../ssh/config", "sudo": "password", "leaseSeconds": 60, "maxClockSkewSeconds": 600},
          "db2": {},
        },
        "repositories": {
          "main": {"location": "~/backup", "passwordFile": "main.password"},
          "other": {"location": "local:/srv/other", "passwordCommand": ["pass", "show", "x"],},
        },
        "sources": {
          "shop": {"host": "db1", "paths": ["/var/lib/mysql/", "/srv/fäß"], "repository": "main", "exclude": ["*.tmp"], "keep": {"daily": 7, "yearly": "unlimited", "within": "2d"}},
          /* a host of the SSH configuration */
          "web": {"host": "web.example.org", "paths": ["/"], "repository": "other"},
        },
      }`,
      FILE,
      HOME,
    );
    expect([...configuration.hosts.values()]).toEqual([
      {
        name: 'db1',
        ssh: 'db1.example.org',
        sshConfigFile: '/home/ann/.config/ssh/config',
        sudo: 'password',
        leaseSeconds: 60,
        maxClockSkewSeconds: 600,
      },
      {
        name: 'db2',
        ssh: 'db2',
        sshConfigFile: undefined,
        sudo: 'none',
        leaseSeconds: 1800,
        maxClockSkewSeconds: 86_400,
      },
    ]);
    expect([...configuration.repositories.values()]).toEqual([
      {
        name: 'main',
        location: '/home/ann/backup',
        place: { kind: 'local', path: '/home/ann/backup' },
        passwordFile: '/home/ann/.config/stillpoint/main.password',
        passwordCommand: undefined,
        store: {},
      },
      {
        name: 'other',
        location: '/srv/other',
        place: { kind: 'local', path: '/srv/other' },
        passwordFile: undefined,
        passwordCommand: ['pass', 'show', 'x'],
        store: {},
      },
    ]);
    expect([...configuration.sources.values()]).toEqual([
      {
        name: 'shop',
        host: 'db1',
        paths: [Buffer.from('/var/lib/mysql'), Buffer.from('/srv/fäß')],
        repository: 'main',
        exclude: ['*.tmp'],
        keep: { daily: 7, yearly: 'unlimited', within: '2d' },
      },
      { name: 'web', host: 'web.example.org', paths: [Buffer.from('/')], repository: 'other', exclude: [] },
    ]);
  });

  test('finds the host of a repository among the hosts, or lets it stand for itself', () => {
    const content = `{
      "hosts": {"vault": {"ssh": "nas.example.org", "sshConfigFile": "~/ssh"}},
      "repositories": {
        "a": {"location": "sftp:backup@vault:a"}, "b": {"location": "sftp:constructor:/b"}, "c": {"location": "c"}
      }
    }`;
    const { repositories } = parseConfiguration(content, FILE, HOME);
    expect([...repositories.values()].map(({ sshHost }) => sshHost)).toEqual([
      { name: 'vault', ssh: 'nas.example.org', sshConfigFile: '/home/ann/ssh' },
      { name: 'constructor', ssh: 'constructor', sshConfigFile: undefined },
      undefined,
    ]);
  });

  test('knows how a place elsewhere is reached, and shows no password of it', () => {
    const configuration = parseConfiguration(
      `{"repositories": {
        "ceph": {
          "location": "s3:http://h:7480/b/main",
          "s3": {"accessKeyId": "k", "secretKeyFile": "~/k", "region": "de", "bucketLookup": "dns"},
          "limitUploadKiB": 100, "limitDownloadKiB": 200, "connections": 3,
        },
        "server": {"location": "rest:https://me:blue-kettle@h", "caCertificateFile": "ca.pem"},
      }}`,
      FILE,
      HOME,
    );
    const [ceph, server] = [...configuration.repositories.values()];
    expect(ceph?.store).toEqual({
      limitUploadKiB: 100,
      limitDownloadKiB: 200,
      connections: 3,
      s3: { accessKeyId: 'k', secretKeyFile: '/home/ann/k', region: 'de', bucketLookup: 'dns' },
    });
    expect(ceph?.location).toBe('s3:http://h:7480/b/main');
    expect(server?.location).toBe('rest:https://me:***@h/');
    expect(server?.store.caCertificateFile).toBe('/home/ann/.config/stillpoint/ca.pem');
    expect(JSON.stringify([...configuration.repositories]) + inspect(configuration, { depth: 9 })).not.toContain(
      'kettle',
    );
    expect(redact('blue-kettle')).toBe('[redacted]');
  });

  test('is what the documentation shows', () => {
    const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
    const example = /```jsonc\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const { hosts, repositories, sources } = parseConfiguration(example, FILE, HOME);
    expect([hosts.size, repositories.size, sources.size]).toEqual([1, 1, 1]);
  });

  test.each(['', '  \n', '// nothing yet\n', '{}', '{"hosts": {}}'])('may be empty: %j', (content) => {
    const { hosts, repositories, sources } = parseConfiguration(content, FILE, HOME);
    expect([hosts.size, repositories.size, sources.size]).toEqual([0, 0, 0]);
  });

  test('is refused or understood, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string({
            unit: fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '/', '*', 'hosts', '\n', '\\', ' ', '1'),
          }),
        ),
        (content) => {
          try {
            parseConfiguration(content, FILE, HOME);
          } catch (error) {
            if (!isStillpointError(error, 'config.invalid')) throw error;
            expect(error.message).toMatch(/config\.jsonc:\d+:\d+: /);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('the place of the file', () => {
  const environment = readEnvironment({ HOME, XDG_CONFIG_HOME: '/etc/xdg', STILLPOINT_CONFIG: '/from/environment' });

  test('is the one that the caller names, then STILLPOINT_CONFIG, then the user’s folder', () => {
    expect(configPlace('/from/option', environment)).toEqual({ file: '/from/option', named: true });
    expect(configPlace(undefined, environment)).toEqual({ file: '/from/environment', named: true });
    const without = readEnvironment({ HOME, XDG_CONFIG_HOME: '/etc/xdg' });
    expect(configPlace(undefined, without)).toEqual({ file: '/etc/xdg/stillpoint/config.jsonc', named: false });
  });

  test('may begin with ~/, which no shell replaces in the settings of a program', () => {
    expect(configPlace('~/mine.jsonc', environment).file).toBe(`${HOME}/mine.jsonc`);
    const named = readEnvironment({ HOME, STILLPOINT_CONFIG: '~/mine.jsonc' });
    expect(configPlace(undefined, named).file).toBe(`${HOME}/mine.jsonc`);
  });

  test.each([{}, { XDG_CONFIG_HOME: '' }, { XDG_CONFIG_HOME: 'relative' }])('is in ~/.config with %j', (variables) => {
    expect(configPlace(undefined, readEnvironment({ HOME, ...variables })).file).toBe(FILE);
  });
});

describe('loading', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stillpoint-config-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('a file that nobody named may be missing', async () => {
    const file = join(folder, 'config.jsonc');
    expect((await loadConfiguration({ file, named: false }, HOME)).hosts.size).toBe(0);
    await expect(loadConfiguration({ file, named: true }, HOME)).rejects.toMatchObject({
      code: 'config.not-found',
      message: `The configuration file "${file}" is not there.`,
      advice: expect.stringContaining('"stillpoint.configFile"; or write this one.') as string,
    });
  });

  test('says what cannot be read', async () => {
    const file = join(folder, 'config.jsonc');
    await mkdir(file);
    await expect(loadConfiguration({ file, named: false }, HOME)).rejects.toMatchObject({
      code: 'config.not-found',
      message: `The configuration file "${file}" is a folder.`,
      advice: expect.not.stringContaining('write this one') as string,
    });
    await rm(file, { recursive: true });
    await writeFile(file, Buffer.from('{\n  // gr\u00fc\u00df\n  "hosts": {"b\u00fcro": {}}}', 'latin1'));
    await expect(loadConfiguration({ file, named: false }, HOME)).rejects.toThrow(`${file}:2:8: It is not UTF-8 text.`);
    await writeFile(file, Buffer.concat([Buffer.from('{"\u00fc\ufffd": "'), Buffer.from([0xef, 0x22])]));
    await expect(loadConfiguration({ file, named: false }, HOME)).rejects.toThrow(`${file}:1:9: It is not UTF-8 text.`);
    await writeFile(file, ' '.repeat(1024 * 1024 + 1));
    await expect(loadConfiguration({ file, named: false }, HOME)).rejects.toThrow('It is larger than 1 MiB.');
  });

  test('reads no pipe and no device, which would keep it waiting for ever', async () => {
    const pipe = join(folder, 'pipe');
    await promisify(execFile)('mkfifo', [pipe]);
    for (const file of [pipe, '/dev/zero', '/dev/null']) {
      await expect(loadConfiguration({ file, named: true }, HOME)).rejects.toMatchObject({
        code: 'config.not-found',
        message: `The configuration file "${file}" is a pipe or a device, and no file.`,
      });
    }
  });

  test('passes over a byte order mark', async () => {
    const file = join(folder, 'config.jsonc');
    await writeFile(file, '\ufeff{"hosts": {"db1": {}}}');
    expect((await loadConfiguration({ file, named: true }, HOME)).hosts.size).toBe(1);
  });
});

describe('looking up', () => {
  const configuration = parseConfiguration(
    `{"repositories": {"main": {"location": "/r"}, "offsite": {"location": "/o"}},
      "sources": {"shop": {"host": "db1", "paths": ["/srv"], "repository": "main"}}}`,
    FILE,
    HOME,
  );

  test('finds what is there, and says what is when it is not', () => {
    expect(findSource(configuration, sourceName('shop')).host).toBe('db1');
    expect(() => findSource(configuration, sourceName('shpo'))).toThrow(
      expect.objectContaining({
        code: 'config.unknown-source',
        advice: `Did you mean "shop"? Otherwise write it into "sources" in "${FILE}".`,
      }),
    );
    expect(() => findSource(configuration, sourceName('db1'))).toThrow(
      expect.objectContaining({ code: 'config.unknown-source', advice: '"db1" is a host, whose source is "shop".' }),
    );
    expect(() => findRepository(configuration, repositoryName('elsewhere'))).toThrow(
      expect.objectContaining({
        code: 'config.unknown-repository',
        message: 'There is no repository "elsewhere" in the configuration.',
        advice: `There are "main", "offsite". Name one of these, or write "elsewhere" into "repositories" in "${FILE}".`,
      }),
    );
  });

  test('takes a host that is not written as one of the SSH configuration', () => {
    const expected = {
      name: 'db9',
      ssh: 'db9',
      sshConfigFile: undefined,
      sudo: 'none',
      leaseSeconds: 1800,
      maxClockSkewSeconds: 86_400,
    };
    expect(hostSpec(configuration, hostName('db9'))).toEqual(expected);
  });
});
