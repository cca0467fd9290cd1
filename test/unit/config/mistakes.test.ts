/** What a user reads who made a mistake in the configuration. The texts are pinned: they are the user interface. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { StillpointError } from '../../../shared/base/errors.ts';
import { parseConfiguration } from '../../../shared/config/configuration.ts';
import { jsonSchema } from '../../../shared/config/schema.ts';

function mistakesIn(content: string): string {
  try {
    parseConfiguration(content, '/etc/stillpoint.jsonc', '/home/ann');
  } catch (error) {
    const { code, message, advice } = error as StillpointError;
    expect(code).toBe('config.invalid');
    expect(message).not.toContain('violet-door');
    return `${message}\n${advice}\n`;
  }
  throw new Error('nothing was found wrong');
}

const REPOSITORY = `"repositories": {"main": {"location": "/srv/backup"}}`;
const source = (fields: string): string => `{\n  ${REPOSITORY},\n  "sources": {"shop": {${fields}}}\n}`;

describe('mistakes in', () => {
  test.each([
    ['grammar', '{\n  "hosts": {\n    "db1": {"ssh" "db1"}\n  }\n}'],
    ['a missing brace', '{\n  "hosts": {\n'],
    ['a missing value', '{"hosts": }'],
    ['single quotes', "{\n  'hosts': {}\n}"],
    ['something after the end', '{}\n{}'],
    ['an unended text', '{"hosts": {"db1": {"ssh": "db1}}}'],
    ['a list instead of an object', '[]'],
    ['a key that is written twice', '{\r\n  "hosts": {"db1": {}},\r\n  "hosts": {}\r\n}'],
    ['a key that JavaScript would lose', '{"hosts": {"__proto__": {}}}'],
    ['lists in lists without an end', '['.repeat(20_000)],
    ['objects in objects', `{"hosts": ${'{"a": // {[\n'.repeat(90)}${'}'.repeat(91)}`],
    ['unknown keys', '{"host": {}, "zzz": 1, "hosts": {"db1": {"user": "root", "sshConfigfile": "x"}}}'],
    ['a password', '{"repositories": {"main": {"location": "/r", "password": "violet-door"}}}'],
    ['a host', '{"hosts": {"db 1": {}, "db2": {"ssh": "-oProxyCommand=x"}, "db3": {"sudo": "yes"}, "db4": "db4"}}'],
    [
      'dumps that are not known',
      source(
        '"host": "db1", "repository": "main", "dumps": ["mongodb", 7, {"of": "mariadb", "sockte": "x"}, {"of": "x"}, {"of": "postgresql", "port": 0}]',
      ),
    ],
    [
      'dumps',
      source(
        `"host": "db1", "repository": "main", "dumps": ["mariadb", {"of": "mariadb", "socket": "relative"}, {"of": "sqlite", "file": "/a//b"},
        {"of": "command", "name": "../x", "command": ["a"]}, {"of": "command", "name": "y", "command": []}, {"of": "postgresql", "databases": ["-x"]}, {"of": "redis", "name": "sqlite"}]`,
      ),
    ],
    [
      'words that a shell would replace',
      `{"hosts": {"db1": {"sshConfigFile": "$HOME/.ssh/work"}},
      "repositories": {
        "main": {"location": "$HOME/backup", "passwordFile": "\${HOME}/pw"},
        "far": {"location": "sftp:nas:$HOME/backup", "passwordFile": "~ann/pw"},
        "s3": {"location": "s3:https://s3.example.org/b", "caCertificateFile": "$CA", "s3": {"accessKeyId": "a", "secretKeyFile": "$(pwd)/key"}},
        "rest": {"location": "rest:https://r.example.org/", "rest": {"user": "a", "passwordFile": "$X"}}
      },
      "sources": {"shop": {"host": "db1", "paths": ["/srv"], "repository": "main", "excludeFiles": ["$HOME/leave-out"]}}}`,
    ],
    [
      'what is not known to be held still',
      source(
        '"host": "db1", "repository": "main", "paths": ["/srv"], "quiesce": ["mongodb", 7, "sqlite", {"of": "mariadb", "sockte": "x"}, {"of": "x"}, {"of": "postgresql", "port": 0}]',
      ),
    ],
    [
      'what is held still',
      source(
        `"host": "db1", "repository": "main", "paths": ["/srv"], "quiesce": ["mariadb", {"of": "mysql", "seconds": 3}, {"of": "mariadb", "socket": "relative"}, {"of": "redis", "hostUser": "x"},
        {"of": "pause"}, {"of": "pause", "what": "a b"}, {"of": "commands", "name": "x", "before": ["a"]}, {"of": "postgresql", "hostUser": "-x", "port": 5433}, {"of": "commands", "name": "y", "before": ["a\\u0000"], "after": ["b"]}]`,
      ),
    ],
    ['no dumps', source('"host": "db1", "repository": "main", "dumps": []')],
    ['a lease', '{"hosts": {"a": {"leaseSeconds": 4}, "b": {"leaseSeconds": 1.5}, "c": {"leaseSeconds": 1e6}}}'],
    [
      'a repository',
      `{"repositories": {
        "a": {},
        "b": {"location": ""},
        "c": {"location": "gs:bucket:/"},
        "d": {"location": "/d", "passwordFile": "x", "passwordCommand": ["y"]},
        "e": {"location": "/e", "passwordCommand": "pass show e"},
        "f": {"location": "/f", "passwordCommand": []}
      }}`,
    ],
    [
      'the place of a repository',
      `{"repositories": {
        "a": {"location": "s3:store.example", "s3": {"bucket": "x", "bucketLookup": "host"}},
        "b": {"location": "sftp:nas", "connections": 0, "limitUploadKiB": 1.5},
        "c": {"location": "/c", "s3": {}, "rest": {}, "caCertificateFile": "ca.pem"},
        "d": {"location": "s3:http://h/b", "caCertificateFile": "ca.pem", "s3": {"accessKeyId": "k", "profile": "p"}},
        "e": {"location": "s3:h/b", "s3": {"secretKeyFile": "f", "secretKeyCommand": ["c"]}},
        "f": {"location": "rest:http://me:violet-door@h/", "rest": {"user": "me", "passwordFile": "f"}},
        "g": {"location": "rest:http://h/", "rest": {"passwordFile": "f", "passwordCommand": ["c"]}},
        "h": {"location": "rest:http://me:violet-door@h:0x/"}
      }}`,
    ],
    ['references', source('"host": "db1", "paths": ["/srv"], "repository": "mian"')],
    ['references to nothing', '{"sources": {"shop": {"host": "a b", "paths": ["/srv"], "repository": "main"}}}'],
    [
      'paths',
      source(
        '"host": "db1", "repository": "main", "paths": ["srv", "~/x", "//srv", "/a/../b", "/a", "/a/", "/a/b", "/", "/x\\u0000", "/\\ud800"]',
      ),
    ],
    [
      'keep rules',
      `{"repositories": {"main": {"location": "/r"}}, "sources": {
        "a": {"host": "h", "paths": ["/"], "repository": "main", "keep": {"daily": -1, "weekly": "all", "monthy": 3}},
        "b": {"host": "h", "paths": ["/"], "repository": "main", "keep": {"within": "2w", "withinDaily": 7, "tags": ["x"]}},
        "c": {"host": "h", "paths": ["/"], "repository": "main", "keep": {}},
        "d": {"host": "h", "paths": ["/"], "repository": "main", "keep": {"within": "14 days"}}
      }}`,
    ],
    ['patterns', source('"host": "db1", "paths": ["/"], "repository": "main", "exclude": ["*.tmp", "!x", "[", "a/"]')],
    [
      'everything at once',
      source(
        '"host": "a b", "paths": ["srv"], "repository": "mian", "exclude": ["!x"], "keep": {"within": "2w", "dialy": 7}, "kepp": {}',
      ).replace('"location"', '"limitUploadKiB": 0, "passwordFile": "f", "passwordCommand": ["c"], "location"'),
    ],
    ['missing keys', source('')],
    ['what is backed up', source('"host": "db1", "repository": "main"')],
    [
      'devices',
      source(
        '"host": "db1", "repository": "main", "devices": ["vg0/a", "/dev/vg0/a", "/dev/vg0/a", "/srv/files", "/dev/a/../b"]',
      ),
    ],
    ['devices that are none', source('"host": "db1", "repository": "main", "devices": []')],
    ['not all of it', source('"host": "db1", "repository": "main", "system": false')],
    [
      'all of it and more',
      source(
        '"host": "db1", "repository": "main", "system": true, "paths": ["/srv"], "oneFileSystem": true, "exclude": ["/"]',
      ),
    ],
    [
      'types',
      '{"sources": {"shop": {"host": 1, "paths": "/srv", "repository": null, "exclude": [true]}}, "hosts": []}',
    ],
  ])('%s', (name, content) => {
    expect(mistakesIn(content)).toMatchSnapshot(name);
  });
});

describe('a mistake is told so that it can be mended', () => {
  const patterns = (...exclude: string[]): string =>
    source(`"host": "h", "paths": ["/srv/a", "/srv/b/c"], "repository": "main", "exclude": ${JSON.stringify(exclude)}`);

  test.each([
    ['/srv/a', '/srv/a'],
    ['*', '/srv/a'],
    ['b', '/srv/b/c'],
    ['/srv/**', '/srv/a'],
    ['/srv/b/', '/srv/b/c'],
  ])('the pattern %j that leaves out a path of its source', (pattern, path) => {
    expect(mistakesIn(patterns('*.tmp', pattern, '/srv/b/c/d'))).toContain(
      `:3:112: sources.shop.exclude[1]: "${pattern}" leaves out all of "${path}", a path of this source. ` +
        'Write a narrower pattern, or take the path out of "paths"; one that does not begin with "/" may match any folder, also one on the way to the path.\n',
    );
  });

  test.each([
    ['excludefile', 'excludeFiles'],
    ['exclude-caches', 'excludeCaches'],
    ['exclude-if-present', 'excludeIfPresent'],
    ['exclude-larger-than', 'excludeLargerThan'],
    ['one-file-system', 'oneFileSystem'],
    ['stopp', 'stop'],
    ['withoutSnapshots', 'withoutSnapshot'],
  ])('a key of a source that is nearly one: %s', (key, meant) => {
    expect(mistakesIn(source(`"host": "h", "paths": ["/srv"], "repository": "main", "${key}": true`))).toContain(
      `sources.shop.${key}: This key is not known. Write "${meant}", or remove it.`,
    );
  });

  test('a number that is no number is not one that is missing', () => {
    expect(mistakesIn('{"hosts": {"a": {"leaseSeconds": 1e400}}}')).toContain(
      'This is a number that is far too large.',
    );
  });

  test.each([
    ['hosts', '"user": "root"', 'hosts.a.user'],
    ['hosts', '"port": 22', 'hosts.a.port'],
    ['hosts', '"hostname": "x"', 'hosts.a.hostname'],
    ['hosts', '"identityFile": "x"', 'hosts.a.identityFile'],
  ])('a key of %s that belongs to SSH: %s', (table, fields, path) => {
    expect(mistakesIn(`{"${table}": {"a": {${fields}}}}`)).toContain(
      `${path}: This key is not known. Write it into your SSH configuration, and here the name of its "Host" as "ssh".`,
    );
  });
});

test('the JSON Schema for editors is the one of the code', () => {
  const stored = readFileSync(new URL('../../../shared/config/schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(stored), 'run: node .ci/write-config-schema.ts').toEqual(jsonSchema());
});
