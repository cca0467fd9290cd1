/** A restore over other files, killed with all that it has started: each file is the old one or the new one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ForgedNode, forgeRepository } from '../support/forged-repository.ts';
import { restoreFrom, said } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const CHILD = fileURLToPath(new URL('../support/restore-child.ts', import.meta.url));
const COUNT = 600;
const [OLD, NEW] = ['old '.repeat(500), 'new '.repeat(500)];
const names = Array.from({ length: COUNT }, (_, index) => `file-${String(index).padStart(4, '0')}`);

let folder: TemporaryFolder;
let repository: string;
let target: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  repository = join(folder.path, 'repository');
  target = join(folder.path, 'target');
  const children = names.map((name): ForgedNode => ({ name, type: 'file', content: [NEW] }));
  await forgeRepository(repository, [{ name: 'a', type: 'dir', children }]);
  await mkdir(join(target, 'a'), { recursive: true });
  for (const name of names) await writeFile(join(target, 'a', name), OLD);
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

/** How many are new; any that is neither is a failure. */
async function countNew(): Promise<number> {
  const contents = await Promise.all(names.map((name) => readFile(join(target, 'a', name), 'utf8')));
  expect(contents.filter((content) => content !== OLD && content !== NEW)).toEqual([]);
  expect(await readdir(join(target, 'a'))).toEqual(names);
  return contents.filter((content) => content === NEW).length;
}

/** The process and everything below it, stopped first so that nothing new begins meanwhile. */
async function killTree(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const { stdout } = await execa('pgrep', ['-P', String(pid)], { reject: false });
  for (const child of stdout.split('\n').filter(Boolean)) await killTree(Number(child));
  process.kill(pid, 'SIGKILL');
}

test.each(['filling', 'moving', 'in the middle of moving'])('killed %s', async (when) => {
  const isMiddle = when === 'in the middle of moving';
  const child = spawn(process.execPath, [CHILD, repository, target, isMiddle ? '' : when], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let states = '';
  child.stdout.on('data', (data: Buffer) => {
    states += data.toString();
  });
  await expect.poll(() => states, { timeout: 60_000 }).toContain(isMiddle ? 'moving' : when);
  if (isMiddle) await expect.poll(countNew, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
  await killTree(child.pid ?? 0);
  expect(await exited).toEqual([null, 'SIGKILL']);
  const done = await countNew();
  if (isMiddle) {
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(COUNT);
  } else expect(done).toBe(0);
  expect((await readdir(target)).filter((name) => name.startsWith('.stillpoint-restore-'))).toHaveLength(1);

  const { error, report } = await restoreFrom(repository, target, { overwrite: 'always' });
  expect(said(error)).toBe('');
  expect(report).toMatchObject({ files: COUNT, leftOut: { count: 0 } });
  expect(await countNew()).toBe(COUNT);
  expect(await readdir(target)).toEqual(['a']);
});
