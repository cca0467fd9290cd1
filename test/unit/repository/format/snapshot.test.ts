import { describe, expect, it } from 'vitest';
import type { RestorePointId } from '../../../../shared/domain/names.ts';
import { decodeLock, encodeLock } from '../../../../shared/repository/format/lock-file.ts';
import { parseTimestamp } from '../../../../shared/repository/format/read-text.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../../shared/repository/format/snapshot.ts';
import type { BlobId } from '../../../../shared/repository/ids.ts';
import type { RestorePointDraft } from '../../../../shared/repository/restore-point.ts';

const WHEN = parseTimestamp('2026-11-23T04:45:49.731317775+01:00');
const TREE = 'fd'.repeat(32);

const FULL: RestorePointDraft = {
  time: WHEN,
  tree: TREE as BlobId,
  paths: ['/srv/files', '/var/lib/mysql'],
  parent: '12'.repeat(32) as RestorePointId,
  hostname: 'db1',
  username: 'root',
  uid: 1000,
  gid: 1000,
  excludes: ['*.tmp'],
  tags: ['nightly'],
  original: '34'.repeat(32) as RestorePointId,
  programVersion: 'stillpoint 0.1.0',
  statistics: {
    backupStart: WHEN,
    backupEnd: WHEN,
    filesNew: 1,
    filesChanged: 2,
    filesUnmodified: 3,
    dirsNew: 4,
    dirsChanged: 5,
    dirsUnmodified: 6,
    dataBlobs: 7,
    treeBlobs: 8,
    dataAdded: 9,
    dataAddedPacked: 10,
    totalFilesProcessed: 11,
    totalBytesProcessed: 12,
    extra: { new_count: 13 },
  },
  extra: { stillpoint: { consistency: 'crash', run: '01234567' } },
};

describe('restore points on disk', () => {
  it('come back with all that they hold', () => {
    expect(decodeSnapshot(encodeSnapshot(FULL), 'it')).toEqual(FULL);
  });

  it('are the text that restic 0.14 writes', () => {
    const stored = `{"time":"${WHEN}","tree":"${TREE}","paths":["/tmp/a\\u0026b"],"hostname":"vm","username":"root"}`;
    expect(encodeSnapshot(decodeSnapshot(Buffer.from(stored), 'it')).toString()).toBe(stored);
  });

  it('keep fields that we do not know', () => {
    const stored = `{"time":"${WHEN}","tree":"${TREE}","paths":null,"tags":null,"later":{"big":18446744073709551615}}`;
    const draft = decodeSnapshot(Buffer.from(stored), 'it');
    expect(draft.extra).toEqual({ later: { big: 18446744073709551615n } });
    expect(encodeSnapshot(draft).toString()).toContain('"later":{"big":18446744073709551615}');
  });

  it.each(['{}', '[]', `{"time":"x","tree":"${TREE}"}`, `{"time":"${WHEN}","tree":"../x"}`])(
    'never make sense of %s',
    (stored) => {
      expect(() => decodeSnapshot(Buffer.from(stored), 'restore point 1')).toThrow(/restore point 1|not a time/);
    },
  );
});

describe('lock files', () => {
  it('come back, and omit root as restic does', () => {
    const lock = { time: WHEN, exclusive: true, hostname: 'nas', username: 'ada', pid: 7, uid: 1000, gid: 100 };
    expect(decodeLock(encodeLock(lock), 'it')).toEqual(lock);
    expect(encodeLock({ ...lock, uid: 0, gid: 0 }).toString()).toBe(
      `{"time":"${WHEN}","exclusive":true,"hostname":"nas","username":"ada","pid":7}`,
    );
  });
});
