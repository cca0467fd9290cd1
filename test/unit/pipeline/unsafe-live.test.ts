/** What is said of files that cannot be read whole while their program runs: all of it has to be left out, and not one file. */
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import type { StillpointError } from '../../../shared/base/errors.ts';
import { unsafeFilesIn } from '../../../shared/pipeline/backup/unsafe-live.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { entryOf } from '../../support/pipeline/paper-files.ts';

async function refusalOf(path: string, begins = ''): Promise<StillpointError> {
  const unsafe = unsafeFilesIn(Buffer.from('/srv'), () => () => true);
  unsafe.select()({ ...ENTRY, path: Buffer.from(path.slice('/srv/'.length)) });
  const host = { name: 'db1', run: () => Promise.resolve([begins]) } as unknown as RemoteHost;
  return await unsafe.require(host, never).then(
    () => {
      throw new Error(`${path} was not refused`);
    },
    (error: unknown) => error as StillpointError,
  );
}

const ENTRY = entryOf({ path: 'x', type: 'file', content: Buffer.from('x') }, 0);

describe('who excludes what the advice names', () => {
  test.for([
    ['/srv/mysql/ibdata1', '/srv/mysql'],
    ['/srv/pg/global/pg_control', '/srv/pg'],
    ['/srv/mongo/WiredTiger.wt', '/srv/mongo'],
    ['/srv/etcd/member/snap/db', '/srv/etcd'],
    ['/srv/ldap/data.mdb', '/srv/ldap', `${'00'.repeat(16)}dec0efbe`],
    ['/srv/app.sqlite-wal', '/srv/app.sqlite*', '377f0682'],
    ['/srv/app.sqlite-journal', '/srv/app.sqlite*', 'd9d505f920a163d7'],
    ['/srv/web.qcow2', '/srv/web.qcow2', '514649fb'],
  ] as const)('leaves out all that belongs to %s', async ([path, all, begins]) => {
    const { code, advice } = await refusalOf(path, begins);
    expect(code).toBe('read.unsafe-live');
    expect(advice).toContain(`and name "${all}" under "exclude", or take it out of "paths"`);
  });
});
