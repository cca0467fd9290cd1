/** Exports whose process is killed: nothing that is there is taken for whole that is not, and the next one is as any other. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { describeTree } from '../support/describe-tree.ts';
import { exportHere } from '../support/exporting.ts';
import { needing, whyNotRoot } from '../support/needing.ts';
import { said } from '../support/restoring.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CHILD = fileURLToPath(new URL('../support/export-child.ts', import.meta.url));

/** Kills the export when it has come to the phase, or to the state of its target. */
async function killed(files: string, to: string, when: string, work: string): Promise<void> {
  const child = execa(process.execPath, [CHILD, files, to, when, work], { reject: false, buffer: false });
  let said = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    said += chunk as string;
    if (said.split('\n').includes(when)) child.kill('SIGKILL');
  }
  expect((await child).signal).toBe('SIGKILL');
}

test.for(['read', 'verify', 'commit', 'moving'])(
  'killed in "%s", an archive has no name, or all of them',
  needing(whyNotRoot('reads as root')),
  async (when) => {
    await using folder = await temporaryFolder();
    const [files, out, work] = ['files', 'out', 'work'].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
    ];
    for (const each of [files, out]) await mkdir(each);
    await writeFile(join(files, 'a'), 'x'.repeat(5_000_000));
    const file = join(out, 'a.tar.zst');
    await killed(files, file, when, work);
    const left = await readdir(out);
    expect(left).not.toContain('a.tar.zst');
    for (const name of left) expect(name).toMatch(/^a\.tar\.zst\.(incomplete-|manifest|sha256)/);
    const next = join(out, 'b.tar.zst');
    const { error } = await exportHere({ to: { kind: 'archive', file: next }, workFolder: work, paths: [files] });
    expect(said(error)).toBe('');
    await execa('sha256sum', ['-c', 'b.tar.zst.sha256'], { cwd: out });
  },
);

test.for(['read', 'verify', 'commit', 'moving'])(
  'killed in "%s", a mirror has the states that it had, and the next one clears what is left',
  needing(whyNotRoot('reads as root')),
  async (when) => {
    await using folder = await temporaryFolder();
    const [files, mirror, work] = ['files', 'mirror', 'work'].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(files);
    await writeFile(join(files, 'a'), 'x'.repeat(5_000_000));
    const save = () => exportHere({ to: { kind: 'mirror', folder: mirror }, workFolder: work, paths: [files] });
    const first = await save();
    expect(said(first.error)).toBe('');
    const state = first.report?.path ?? '';
    const before = await describeTree(state);
    await writeFile(join(files, 'b'), 'y'.repeat(5_000_000));
    await killed(files, mirror, when, work);
    const states = async () => (await readdir(mirror)).filter((name) => name.startsWith('2'));
    expect(await states()).toEqual([state.slice(mirror.length + 1)]);
    expect(await describeTree(state)).toEqual(before);
    // What the killed one had started may take a moment to end; until then the mirror is in use.
    await expect.poll(async () => said((await save()).error), { timeout: 60_000 }).toBe('');
    expect((await readdir(mirror)).filter((name) => name.startsWith('.stillpoint-incomplete'))).toEqual([]);
    expect(await describeTree(join(mirror, 'latest', files.slice(1)))).toEqual(await describeTree(files));
  },
);
