import { describe, expect, test } from 'vitest';
import { eventLines } from '../../../extension/texts/event-lines.ts';
import { describeHostKey } from '../../../extension/texts/host-key.ts';
import { leftBehindWords } from '../../../extension/texts/job-words.ts';
import { percentDone } from '../../../extension/texts/progress-words.ts';
import { restorePointText } from '../../../extension/texts/restore-point-text.ts';
import { formatDuration, type Translate } from '../../../extension/texts/wording.ts';
import { cancelWords, phaseWords } from '../../../extension/verbs.ts';
import type { RunEvent, RunEventBody } from '../../../shared/domain/events.ts';
import { holdsOf } from '../../../shared/domain/holds.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import { sampleBackup, sampleDumps, sampleHolds } from '../../support/sample-data.ts';
import { aRestorePoint } from './builders.ts';
import { english } from './wording.ts';

const repository = {
  name: repositoryName('main'),
  location: '/srv/back ups/main',
  place: { kind: 'local', path: '/srv/back ups/main' },
  passwordFile: '/root/pass',
  passwordCommand: undefined,
  store: {},
} as const;

/** What has no translation is marked. */
const translated =
  (words: Readonly<Record<string, string>>): Translate =>
  (message, ...values) =>
    english.t(words[message] ?? `[${message}]`, ...values);

describe('the page of a restore point', () => {
  test('says of each hold how long it lasted, around which instants, and what was proved', () => {
    const holds = holdsOf({ ...sampleBackup, holds: sampleHolds });
    const text = restorePointText(aRestorePoint({ consistency: 'application', holds }), repository, english);
    expect(text).toContain(
      '\n    MariaDB: held still for 0.38 s, from 0.09 s before the first instant; proved 0.07 s after the last (server 10.11.6-MariaDB, binlog bin.000003:337)\n',
    );
  });

  test("says it in the reader's language, clause by clause", () => {
    const holds = holdsOf({ ...sampleBackup, holds: sampleHolds });
    const german = { ...english, t: translated({ 'held still for {0}': '{0} lang angehalten' }) };
    const text = restorePointText(aRestorePoint({ consistency: 'application', holds }), repository, german);
    expect(text).toContain('MariaDB: 0.38 s lang angehalten, [from 0.09 s before the first instant]; [proved 0.07 s');
    expect(text).toContain('"caches": [between its own commands]');
  });

  test('names dumps with their own consistency', () => {
    const text = restorePointText(aRestorePoint({ dumps: sampleDumps }), repository, english);
    expect(text).toContain(
      '## Dumps\n\n    /.stillpoint-dumps/mariadb/databases.sql: the databases "shop" of MariaDB, application\n',
    );
    expect(restorePointText(aRestorePoint(), repository, english)).not.toContain('## Dumps');
  });

  test('holds the whole id, the instant, the meaning of its consistency, sizes and paths', () => {
    const text = restorePointText(aRestorePoint(), repository, english);
    for (const part of [
      'ab'.repeat(32),
      '23 Nov 2026, 04:05:06 (2026-11-23T04:05:06.789Z)',
      'Consistency: crash',
      'One atomic instant, like a power cut at that moment.',
      '3.0 MiB',
      '    /srv/files',
    ]) {
      expect(text).toContain(part);
    }
  });

  test('gives commands that a shell reads as they are meant', () => {
    const text = restorePointText(aRestorePoint(), repository, english);
    expect(text).toContain(
      "restic -r '/srv/back ups/main' --password-file /root/pass restore abababab --target FOLDER",
    );
    expect(text).toContain('stillpoint restore abababab --to FOLDER');
  });

  test('quotes a location with a quote in it', () => {
    const text = restorePointText(aRestorePoint(), { ...repository, location: "/srv/o'neil; rm -rf x" }, english);
    expect(text).toContain(String.raw`restic -r '/srv/o'\''neil; rm -rf x' `);
  });

  test('says what is not known instead of making it up', () => {
    const point = aRestorePoint({ consistency: undefined, bytesTotal: undefined, source: undefined });
    const text = restorePointText(point, undefined, english);
    expect(text).toContain('Consistency: unknown');
    expect(text).toMatch(/Size\s+not recorded/);
  });

  test('keeps a path with a line break on one line', () => {
    const text = restorePointText(aRestorePoint({ paths: ['/a\n# not a heading'] }), repository, english);
    expect(text).not.toMatch(/^# not a heading/m);
  });
});

describe('the words of a cancel', () => {
  test.each([
    ['backup', undefined],
    ['backup', 'preflight'],
    ['prune', 'remove'],
    ['restore', 'verify'],
    ['verify', 'verify'],
    ['backup', 'a phase of another version' as 'read'],
  ] as const)('of a %s in %s promise nothing of the end', (kind, phase) => {
    expect(cancelWords(kind, phase, english.t)).toBe('Stopping. The job says at its end what it has done.');
  });

  test.each(['arm', 'snapshot', 'mount', 'list', 'read', 'end-check'] as const)(
    'in %s tell of the snapshot',
    (phase) => {
      expect(cancelWords('backup', phase, english.t)).toContain('removing the snapshot');
    },
  );

  test.each(['commit', 'release'] as const)('in %s do not claim that nothing is saved', (phase) => {
    expect(cancelWords('backup', phase, english.t)).toContain('may be saved already');
  });

  test('in a restore leave to its end what stays, since that is another thing in a folder with other things', () => {
    expect(cancelWords('restore', 'restore', english.t)).toContain('says at its end');
  });
});

describe('a line of the log', () => {
  const at = '2026-11-23T04:05:06.789Z';
  const lines = (body: RunEventBody) => eventLines({ ...body, seq: 1, at } satisfies RunEvent, 'backup', english);

  test('begins with the time of day', () => {
    expect(lines({ type: 'phase-started', phase: 'snapshot' })).toEqual(['04:05:06  Taking the snapshot …']);
  });

  test('tells how long the writers were held', () => {
    const event = {
      type: 'snapshot-created',
      volume: 'vg0/mysql',
      snapshot: 'sp_1',
      freezeMs: 41.6,
      sizeBytes: 1024 ** 3,
    };
    expect(lines(event as RunEventBody)).toEqual([
      '04:05:06  Snapshot "sp_1" of "vg0/mysql" taken: writers held for at most 42 ms, room for 1.0 GiB of changes.',
    ]);
    // Not every storage sets room aside.
    expect(lines({ ...event, sizeBytes: 0 } as RunEventBody)).toEqual([
      '04:05:06  Snapshot "sp_1" of "vg0/mysql" taken: writers held for at most 42 ms.',
    ]);
  });

  test('does not speak of room where a snapshot reserves none', () => {
    const event = { type: 'snapshot-created', volume: 'vg0/thin', snapshot: 'sp_1', freezeMs: 41.6, sizeBytes: 0 };
    expect(lines(event as RunEventBody)).toEqual([
      '04:05:06  Snapshot "sp_1" of "vg0/thin" taken: writers held for at most 42 ms.',
    ]);
  });

  test.each<RunEventBody>([
    { type: 'restore-point-changing', repository: 'main', restorePoint: 'ab'.repeat(32) } as RunEventBody,
    { type: 'store-changing', repository: 'main' },
  ])('is not there for what only the facts of the run need: $type', (event) => {
    expect(lines(event)).toEqual([]);
  });

  test('of a failure holds sentence, code and advice', () => {
    const error = {
      code: 'ssh.connection-lost',
      message: 'The connection ended.',
      advice: 'Run it again.',
      details: {},
    };
    expect(lines({ type: 'job-finished', outcome: 'failed', error })).toEqual([
      '04:05:06  The job has ended: failed.',
      '          The connection ended. [ssh.connection-lost]',
      '          Run it again.',
    ]);
  });
});

test('a phase of another version is shown by its name', () => {
  expect(phaseWords('sweep', 'ponder' as 'sweep', english.t)).toBe('ponder');
});

test('a progress is never more than the whole and never guessed', () => {
  expect(percentDone({ filesDone: 1, filesTotal: 2, bytesDone: 300, bytesTotal: 200 })).toBe(99);
  expect(percentDone({ filesDone: 1, filesTotal: 2, bytesDone: 5, bytesTotal: undefined })).toBe(50);
  expect(percentDone({ filesDone: 1, filesTotal: undefined, bytesDone: 5, bytesTotal: undefined })).toBeUndefined();
});

test.each([
  [999, '999 ms'],
  [1500, '1.5 s'],
  [59_400, '59 s'],
  [83_000, '1 min 23 s'],
  [3_720_000, '1 h 2 min'],
])('%d ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('what could not be cleaned up is said with a command that works as it stands', () => {
  const words = leftBehindWords('Back up "shop"', ['a snapshot', 'a folder'], 'db1', english.t);
  expect(words).toContain('a snapshot, a folder');
  expect(words).toContain('"stillpoint sweep db1" tries again');
});

describe('the question about a host key', () => {
  const offer = {
    host: 'db1',
    address: '[db1]:2222',
    keyType: 'ssh-ed25519',
    fingerprint: 'SHA256:new',
    otherKeys: [],
  };

  test('shows what the host shows', () => {
    const { message, detail } = describeHostKey(offer, english.t);
    expect(message).toContain('is not known yet');
    expect(detail).toMatch(/^\[db1\]:2222\nssh-ed25519 SHA256:new\n/);
  });

  test('is another one where the host is known by another key, and names it', () => {
    const otherKeys = ['ssh-rsa SHA256:old', 'ecdsa-sha2-nistp256 SHA256:older'];
    const { message, detail } = describeHostKey({ ...offer, otherKeys }, english.t);
    expect(message).toContain('known by another key');
    for (const part of [...otherKeys, 'SHA256:new', 'intercepting the connection']) expect(detail).toContain(part);
  });
});
