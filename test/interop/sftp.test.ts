/** One repository behind one sshd, used by restic over its own SFTP and by us over ours, in both directions. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { blobIdOf } from '../../shared/repository/ids.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { type SftpHost, startSftpHost } from '../support/remote/sftp-host.ts';
import { resticOk } from '../support/restic.ts';
import { backUp, createTestRepository, PASSWORD } from '../support/test-repository.ts';
import { walkTree } from '../support/walk-tree.ts';

const whyNot = await whyNoPrivateSshd();
const signal = AbortSignal.timeout(200_000);

type Account = 'ann' | 'jail';

describe('SFTP', () => {
  let host: SftpHost;
  beforeAll(async () => {
    if (whyNot === undefined) host = await startSftpHost();
  });
  afterAll(async () => {
    if (whyNot === undefined) await host[Symbol.asyncDispose]();
  });
  beforeEach(({ skip }) => {
    if (whyNot !== undefined) skip(whyNot);
  });

  /** In the home folder of one, and below the root of the other's jail. */
  const folder = (account: Account, name: string): string => (account === 'ann' ? name : `/store/${name}`);

  function resticOverSftp(account: Account, name: string, ...args: readonly string[]): Promise<string> {
    const command = `ssh -F ${host.sshd.folder}/config ${account} -s sftp`;
    return resticOk(`sftp:${account}@unused:${folder(account, name)}`, '-o', `sftp.command=${command}`, ...args);
  }

  test('reads what restic wrote, and goes on in it', async () => {
    const source = join(host.sshd.folder, 'source');
    await mkdir(join(source, 'deep'), { recursive: true });
    await writeFile(join(source, 'deep/file'), randomBytes(300_000));
    await resticOverSftp('ann', 'theirs', 'init');
    await resticOverSftp('ann', 'theirs', 'backup', source);
    await using backend = await host.open('ann', folder('ann', 'theirs'));
    const repository = await openRepository(backend, PASSWORD, signal);
    await repository.loadIndex(signal);
    expect((await verifyRepository(repository, { signal })).findings).toEqual([]);
    const point = await repository.findRestorePoint('latest', signal);
    const paths: string[] = [];
    for await (const { path } of walkTree(repository, point.tree, signal)) paths.push(path.join('/'));
    expect(`/${paths.find((path) => path.endsWith('deep/file')) ?? ''}`).toBe(join(source, 'deep/file'));
    await backUp(repository, { ours: 'written into the repository of restic' });
    expect(await resticOverSftp('ann', 'theirs', 'check', '--read-data')).toContain('no errors were found');
    expect((await repository.listRestorePoints(signal)).points).toHaveLength(2);
  });

  test.each<Account>(['ann', 'jail'])('as %s writes what restic reads and goes on in', async (account) => {
    const content = randomBytes(2_000_000);
    await using backend = await host.open(account, folder(account, 'ours'));
    await backUp(await createTestRepository(backend), { srv: { file: content } }, { packSizeBytes: 500_000 });
    expect(await resticOverSftp(account, 'ours', 'check', '--read-data')).toContain('no errors were found');
    const target = join(host.sshd.folder, `restored-${account}`);
    await resticOverSftp(account, 'ours', 'restore', 'latest', '--target', target);
    const { stdout } = await execa('sha256sum', [join(target, 'srv/file')]);
    expect(stdout.slice(0, 64)).toBe(blobIdOf(content));
    await resticOverSftp(account, 'ours', 'backup', target);
    const repository = await openRepository(backend, PASSWORD, signal);
    expect((await verifyRepository(repository, { signal })).findings).toEqual([]);
    expect((await repository.listRestorePoints(signal)).points).toHaveLength(2);
  });
});
