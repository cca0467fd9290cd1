/** What is said of files that cannot be read whole while their program runs: all of it has to be left out, and not one file. */
import { link, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import type { StillpointError } from '../../../shared/base/errors.ts';
import { findOpen, unsafeFilesIn } from '../../../shared/pipeline/backup/unsafe-live.ts';
import type { RemoteCommand } from '../../../shared/remote/command.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { entryOf } from '../../support/pipeline/paper-files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function refusalOf(path: string, begins = ''): Promise<StillpointError> {
  const unsafe = unsafeFilesIn(Buffer.from('/srv'), () => () => true);
  unsafe.select()({ ...ENTRY, path: Buffer.from(path.slice('/srv/'.length)) });
  const host = { name: 'db1', run: () => Promise.resolve([begins]) } as unknown as RemoteHost;
  return await unsafe.require(host, { areStopped: false }, never).then(
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

describe('where services were stopped', () => {
  const FILES = ['mysql/ibdata1', 'web.qcow2', 'photo.img'];
  const requireAll = async (open: readonly number[]): Promise<readonly string[]> => {
    const asked: string[] = [];
    const unsafe = unsafeFilesIn(Buffer.from('/srv'), () => () => true);
    const select = unsafe.select();
    for (const path of FILES) select({ ...ENTRY, path: Buffer.from(path) });
    const run = (command: RemoteCommand<unknown>): Promise<unknown> => {
      asked.push(`${command.name} ${command.args.join(' ')}`);
      return Promise.resolve(command.name === 'read-heads' ? ['514649fb', ''] : open);
    };
    await unsafe.require({ name: 'db1', run } as unknown as RemoteHost, { areStopped: true }, never);
    return asked;
  };

  test('it is refused only while a process has it open', async () => {
    expect(await requireAll([])).toEqual([
      'read-heads /srv/web.qcow2 /srv/photo.img',
      'find-open-files /srv/mysql/ibdata1 /srv/web.qcow2',
    ]);
    await expect(requireAll([1])).rejects.toThrow(
      '"/srv/web.qcow2" on "db1" is of a program (a disk of a virtual machine) that has it open, although services were stopped.',
    );
  });

  test('the host is asked which of the files a process has open', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'only root sees what others have open');
    await using folder = await temporaryFolder();
    const files = ['closed', 'o pen\n', 'linked', 'gone'].map((name) => Buffer.from(join(folder.path, name)));
    for (const file of files.slice(0, 2)) await writeFile(file, 'x');
    await link(files[1] ?? '', files[2] ?? '');
    const handle = await open(files[1] ?? '');
    try {
      const command = findOpen(files);
      const { stdout } = await execa('sh', ['-c', command.script, 'sh', ...command.args.map(String)], {
        ...{ encoding: 'buffer', stripFinalNewline: false },
      });
      expect(
        [...new Set(command.parse({ stdout: Buffer.from(stdout), stderr: '', exitCode: 0 }))].toSorted((a, b) => a - b),
      ).toEqual([1, 2]);
    } finally {
      await handle.close();
    }
  });
});
