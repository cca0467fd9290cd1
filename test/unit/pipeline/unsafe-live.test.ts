/** What is said of files that cannot be read whole while their program runs: all of it has to be left out, and not one file. */
import { describe, expect, test } from 'vitest';
import type { StillpointError } from '../../../shared/base/errors.ts';
import { refusingUnsafe } from '../../../shared/pipeline/backup/unsafe-live.ts';
import { entryOf } from '../../support/pipeline/paper-files.ts';

function refusalOf(path: string): StillpointError {
  const select = refusingUnsafe(Buffer.from('/srv'), () => () => true, 'db1')();
  const entry = { ...ENTRY, path: Buffer.from(path.slice('/srv/'.length)) };
  try {
    select(entry);
  } catch (error) {
    return error as StillpointError;
  }
  throw new Error(`${path} was not refused`);
}

const ENTRY = entryOf({ path: 'x', type: 'file', content: Buffer.from('x') }, 0);

describe('who excludes what the advice names', () => {
  test.for([
    ['/srv/mysql/ibdata1', '/srv/mysql'],
    ['/srv/pg/global/pg_control', '/srv/pg'],
    ['/srv/mongo/WiredTiger.wt', '/srv/mongo'],
    ['/srv/etcd/member/snap/db', '/srv/etcd'],
    ['/srv/ldap/data.mdb', '/srv/ldap'],
    ['/srv/app.sqlite-wal', '/srv/app.sqlite*'],
    ['/srv/app.sqlite-journal', '/srv/app.sqlite*'],
    ['/srv/web.qcow2', '/srv/web.qcow2'],
  ] as const)('leaves out all that belongs to %s', ([path, all]) => {
    const { code, advice } = refusalOf(path);
    expect(code).toBe('read.unsafe-live');
    expect(advice).toContain(`and name "${all}" under "exclude", or take it out of "paths"`);
  });
});
