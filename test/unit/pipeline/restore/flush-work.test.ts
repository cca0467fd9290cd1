/** What is to replace files is on the disk first, and a disk that did not take it is heard. */
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { flushWork } from '../../../../shared/pipeline/restore/place.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const GNU = 'Usage: sync [OPTION] [FILE]... -f, --file-system sync the file systems that contain the files';

/** @param program sh in place of sync(1) */
async function flushed(program: string): Promise<void> {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'work'));
  await mkdir(join(folder.path, 'bin'));
  await writeFile(join(folder.path, 'bin/sync'), `#!/bin/sh\n${program}\n`);
  await chmod(join(folder.path, 'bin/sync'), 0o755);
  const idOf = async (path: string) => stat(path).then(({ dev, ino }) => `${dev}:${ino}`);
  const facts = { target: await idOf(folder.path), work: await idOf(join(folder.path, 'work')), made: 0 };
  const command = flushWork({ target: folder.path, name: 'work', facts });
  const env = { PATH: `${join(folder.path, 'bin')}:${process.env['PATH']}` };
  const args = command.args.map((arg) => arg.toString());
  const { exitCode, stdout, stderr } = await execa('sh', ['-c', command.script, 'sh', ...args], { env, reject: false });
  expect(command.accepts).toContain(exitCode);
  command.parse({ exitCode: exitCode ?? -1, stdout: Buffer.from(stdout), stderr });
}

test('a disk that did not take it is an error with its reason', async () => {
  const failing = `case $1 in
  --help) echo '${GNU}' ;;
  -f) echo "sync: error syncing '.': Input/output error" >&2; exit 1 ;;
esac`;
  await expect(flushed(failing)).rejects.toMatchObject({
    code: 'restore.target',
    message: expect.stringMatching(/did not get to its disk: Input\/output error\.$/) as unknown,
  });
});

test('one that knows no single file system is asked for all', async () => {
  const knowsNone = 'case $# in 0) exit 0 ;; esac; echo "sync: unrecognized option" >&2; exit 1';
  await expect(flushed(knowsNone)).resolves.toBeUndefined();
  const knowsBoth = `case $1 in --help) echo '${GNU}' ;; -f) exit 0 ;; *) exit 1 ;; esac`;
  await expect(flushed(knowsBoth)).resolves.toBeUndefined();
});
