import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStillpointError } from '../../../shared/base/errors.ts';
import { Secret } from '../../../shared/base/secret.ts';
import { formatLocation, type Location, parseLocation } from '../../../shared/domain/location.ts';

describe('a location', () => {
  it.each([
    ['/srv/backup', { kind: 'local', path: '/srv/backup' }],
    ['local:/srv/backup', { kind: 'local', path: '/srv/backup' }],
    ['local:odd:name', { kind: 'local', path: 'odd:name' }],
    ['backup', { kind: 'local', path: 'backup' }],
    ['~/backup', { kind: 'local', path: '~/backup' }],
    ['./s3:x', { kind: 'local', path: './s3:x' }],
    ['C:\\backup', { kind: 'local', path: 'C:\\backup' }],
    ['sftp:nas:/srv/backup', { kind: 'sftp', user: undefined, host: 'nas', port: undefined, path: '/srv/backup' }],
    ['sftp:me@nas:backup/', { kind: 'sftp', user: 'me', host: 'nas', port: undefined, path: 'backup' }],
    ['sftp:me@dom@nas:/a', { kind: 'sftp', user: 'me@dom', host: 'nas', port: undefined, path: '/a' }],
    ['sftp://me@nas:2222//srv/backup', { kind: 'sftp', user: 'me', host: 'nas', port: 2222, path: '/srv/backup' }],
    ['sftp://nas/backup', { kind: 'sftp', user: undefined, host: 'nas', port: undefined, path: 'backup' }],
    ['sftp://[fe80::1]:22//srv', { kind: 'sftp', user: undefined, host: 'fe80::1', port: 22, path: '/srv' }],
    ['s3:s3.amazonaws.com/bucket', s3(true, 's3.amazonaws.com', 'bucket', '')],
    ['s3://store.example/bucket/a/b/', s3(true, 'store.example', 'bucket', 'a/b')],
    ['s3:localhost:9000/bucket', s3(true, 'localhost:9000', 'bucket', '')],
    ['s3:https://store.example:8443/bucket/a%20b', s3(true, 'store.example:8443', 'bucket', 'a b')],
    ['s3:http://127.0.0.1:7480/bucket//x', s3(false, '127.0.0.1:7480', 'bucket', 'x')],
    ['rest:http://store:8000', rest(false, 'store:8000', '/')],
    ['rest:https://store:8000/main', rest(true, 'store:8000', '/main/')],
  ] as const)('%s', (text, expected) => {
    expect(parseLocation(text)).toEqual(expected);
  });

  it('keeps the login of a REST server, percent-encoded characters and all', () => {
    const location = parseLocation('rest:https://me:p%40ss%2Fword@store/x/');
    expect(location).toMatchObject({ kind: 'rest', user: 'me', endpoint: 'store' });
    expect(location.kind === 'rest' && location.password?.reveal()).toBe('p@ss/word');
    expect(formatLocation(location)).toBe('rest:https://me:***@store/x/');
  });

  it.each([
    ['', 'empty'],
    [' \u00a0 ', 'empty'],
    ['~bob/backup', 'a "~" that is not followed by "/"'],
    ['~bob', 'a "~" that is not followed by "/"'],
    ['local:', 'no folder'],
    ['local: ', 'no folder'],
    ['sftp:nas', '":" between'],
    ['sftp::/x', 'no host'],
    ['sftp:-oProxyCommand=x:/x', 'no host'],
    ['sftp:-l@nas:/x', 'user'],
    ['sftp:nas:', 'no folder'],
    ['sftp:nas:~/x', '"~"'],
    ['sftp://me:hidden-word@nas//x', 'holds a password'],
    ['sftp://nas', 'no folder'],
    ['s3:https://store', 'no bucket'],
    ['s3:/bucket', 'no host'],
    ['s3:https://key:hidden-word@store/bucket', 'holds a key'],
    ['s3:http://store/bu cket', 'space'],
    ['s3:store/bu cket', 'bucket'],
    ['s3:store/bucket/a/../b', 'not plain'],
    ['s3:store/%25', 'bucket'],
    ['rest:store', 'comes a URL'],
    ['rest:http:store', 'no host'],
    ['rest:http://:hidden-word@store/', 'without a user'],
    ['rest:http://me:hidden-word%zz@store/', '%25'],
    ['rest:http://me:hidden-word@store/?x', '"?"'],
    ['rest:http://me:hidden-word@store:port/', 'not a URL'],
    ['b2:bucket', 'rclone serve restic'],
    ['ftp:x', 'not known'],
    ['/a\u0000b', 'control character'],
  ])('refuses %j with a sentence and an example', (text, sentence) => {
    const error = errorOf(text);
    expect(error.message).toContain(sentence);
    expect(error.advice).toMatch(/^Write it as in ".+\.$/);
    expect(inspect(error, { depth: 10 })).not.toContain('hidden-word');
  });

  // restic takes what follows the host apart from a URL as it stands, and so has the files elsewhere.
  it.each([
    ['s3:store/bucket/a%20b', 'a%20b', 's3:https://store/bucket/a%2520b'],
    ['s3:store/bucket/a b?/c#/', 'a b?/c#', 's3:https://store/bucket/a%20b%3F/c%23'],
    ['s3:https://store/bucket/a%20b', 'a b', 's3:https://store/bucket/a%20b'],
  ])('reads %j as restic does', (text, prefix, shown) => {
    const location = parseLocation(text);
    expect(location).toMatchObject({ kind: 's3', endpoint: 'store', bucket: 'bucket', prefix });
    expect(formatLocation(location)).toBe(shown);
    expect(parseLocation(shown)).toEqual(location);
  });

  it('takes a folder whose name begins with "~" where that is said', () => {
    const location = parseLocation('local:~bob/backup');
    expect(location).toEqual({ kind: 'local', path: '~bob/backup' });
    expect(formatLocation(location)).toBe('local:~bob/backup');
  });

  it('is printed so that it reads as the same location', () => {
    fc.assert(
      fc.property(anyLocation, (location) => {
        expect(parseLocation(formatLocation(location))).toEqual(location);
      }),
    );
  });

  it('never shows its password, however it is printed', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{12,20}$/), anyRest, (password, location) => {
        const encoded = encodeURIComponent(password);
        const text = `rest:http://me:${encoded}@${location.endpoint}${location.path}`;
        const parsed = parseLocation(text);
        expect(parsed.kind === 'rest' && parsed.password?.reveal()).toBe(password);
        for (const shown of [
          formatLocation(parsed),
          JSON.stringify(parsed),
          inspect(parsed),
          String(new Secret(password)),
        ]) {
          expect(shown).not.toContain(password);
        }
      }),
    );
  });

  it('is refused with a sentence or understood, whatever the text is', () => {
    const scheme = fc.constantFrom(
      '',
      'local:',
      'sftp:',
      'sftp://',
      's3:',
      's3:http://',
      'rest:',
      'rest:https://',
      'x:',
    );
    fc.assert(
      fc.property(scheme, fc.string({ unit: 'binary' }), (prefix, tail) => {
        try {
          const location = parseLocation(prefix + tail);
          expect(formatLocation(parseLocation(formatLocation(location)))).toBe(formatLocation(location));
        } catch (error) {
          if (!isStillpointError(error, 'usage.invalid')) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function s3(tls: boolean, endpoint: string, bucket: string, prefix: string): Location {
  return { kind: 's3', tls, endpoint, bucket, prefix };
}

function rest(tls: boolean, endpoint: string, path: string): Location {
  return { kind: 'rest', tls, endpoint, path, user: undefined, password: undefined };
}

function errorOf(text: string): { readonly message: string; readonly advice: string } {
  try {
    parseLocation(text);
  } catch (error) {
    if (isStillpointError(error, 'usage.invalid')) return error;
    throw error;
  }
  throw new Error(`${text} was understood`);
}

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/);
/** Spaces, percent signs, colons, umlauts: whatever a folder's name may be made of. */
const folder = fc.stringMatching(/^[ -.0-9:-~äß]{1,8}$/).filter((name) => !/^(\.\.?|~.*)$/.test(name));
const folders = fc.array(folder, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const endpoint = fc
  .tuple(word, fc.option(fc.integer({ min: 1024, max: 65_535 })))
  .map(([host, port]) => (port === null ? host : `${host}:${port}`));
const anyRest = fc.record({
  endpoint,
  path: fc.array(word).map((names) => (names.length === 0 ? '/' : `/${names.join('/')}/`)),
});

const anyLocation: fc.Arbitrary<Location> = fc.oneof(
  folders.map((path) => ({ kind: 'local', path: `/${path}` }) as const),
  fc.record({
    kind: fc.constant('sftp' as const),
    user: fc.option(fc.stringMatching(/^[a-z][a-z@.%ä-]{0,8}$/), { nil: undefined }),
    host: fc.oneof(word, fc.constantFrom('::1', 'fe80::1')),
    port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
    path: fc.tuple(fc.constantFrom('', '/'), folders).map((parts) => parts.join('')),
  }),
  fc.record({
    kind: fc.constant('s3' as const),
    tls: fc.boolean(),
    endpoint,
    bucket: word,
    prefix: fc.oneof(fc.constant(''), folders),
  }),
  fc
    .record({ tls: fc.boolean(), server: anyRest, user: fc.option(folder, { nil: undefined }) })
    .map(({ tls, server, user }) => ({ kind: 'rest', tls, ...server, user, password: undefined }) as const),
);
