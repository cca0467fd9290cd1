import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runId } from '../../../shared/domain/names.ts';
import { packFiles } from '../../../shared/pipeline/backup/pack-files.ts';
import { LIVE } from '../../../shared/pipeline/backup/reading-place.ts';
import { newSaidId } from '../../../shared/snapshot/host/run-folder.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';

describe.each(['dash', 'busybox'])('what tar is told by %s of a tree that is read live', (shell) => {
  let folder: TemporaryFolder;

  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  /** The arguments of tar on a host with this file system and this help. */
  const told = async (fileSystem: string, help: string): Promise<string> => {
    const stand = async (name: string, script: string): Promise<void> => {
      await writeFile(join(folder.path, name), `#!/bin/sh\n${script}\n`);
      await chmod(join(folder.path, name), 0o755);
    };
    await stand('stat', `echo ${fileSystem}`);
    await stand('tar', `case $1 in --help) echo "${help}" ;; *) echo "$*" ;; esac`);
    const [program, ...words] = shell === 'busybox' ? ['busybox', 'sh'] : [shell];
    const env = { PATH: `${folder.path}:/usr/bin:/bin` };
    return (
      await execa(
        program ?? '',
        [...words, '-c', packFiles(LIVE, Buffer.from('/'), newSaidId()).script, 'sh', '/x y'],
        { env },
      )
    ).stdout;
  };

  test('on ZFS is to look for zeros itself, where it knows how to be told', async () => {
    expect(await told('zfs', '--hole-detection=TYPE')).toContain(' --sparse --hole-detection=raw --no-recursion ');
    expect(await told('zfs', '--sparse')).toContain(' --sparse --no-recursion ');
  });

  test('on others is nothing of holes', async () => {
    expect(await told('ext2/ext3', '--hole-detection=TYPE')).toContain(' --sparse --no-recursion ');
  });

  test('in a snapshot is nothing of holes', () => {
    const { script } = packFiles({ kind: 'snapshot', run: runId('0123abcd'), top: '/' }, Buffer.from('/'), newSaidId());
    expect(script).not.toContain('hole');
  });
});
