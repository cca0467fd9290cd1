/**
 * docs/restore-without-stillpoint.md, walked literally: its commands run as they stand there, on a repository that we
 * wrote, with only the places and the id of the restore point replaced. Needs root and Debian's restic and fuse3.
 */
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { archiveFolder } from '../support/local-archive.ts';
import { sampleHolds } from '../support/sample-data.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const isRoot = process.getuid?.() === 0;
const PAGE = new URL('../../docs/restore-without-stillpoint.md', import.meta.url);

let folder: TemporaryFolder;
let page: string;
let id: string;
const place = (name: string): string => join(folder.path, name);

beforeAll(async () => {
  if (!isRoot) return;
  page = await readFile(PAGE, 'utf8');
  folder = await temporaryFolder();
  // What lies in this folder is what the restore point has at "/".
  await execa('bash', ['-seu', '-', place('host')], { input: HOST });
  await writeFile(place('password'), PASSWORD);
  await using repository = await createTestRepository(createLocalBackend(place('repository')));
  const tags = ['source=shop', 'consistency=crash'];
  const extra = { stillpoint: { evidence: { instants: [], holds: sampleHolds } } };
  ({ id } = await archiveFolder(repository, place('host'), { signal: never, workers: 1, tags, extra }));
});
beforeEach(({ skip }) => skip(!isRoot, 'needs root for owners, device nodes and a mount'));
afterAll(() => folder?.[Symbol.asyncDispose]());

/** The commands of the first block under a heading that hold `word`. */
function block(word: string): string {
  const blocks = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, commands = '']) => commands);
  const found = blocks.find((commands) => commands.includes(word));
  if (found === undefined) throw new Error(`no block of the page holds "${word}"`);
  return found;
}

async function run(commands: string): Promise<string> {
  const here = commands
    .replaceAll('/path/to/', `${folder.path}/`)
    .replaceAll('40a79e49', id.slice(0, 8))
    .replaceAll('/srv/restored', place('restored'))
    .replaceAll('/mnt/restic', place('mnt'))
    // Who has the number is another one on each machine.
    .replaceAll(/(chown|chgrp) -h mysql/g, '$1 -h 4242');
  const env = {
    RESTIC_REPOSITORY: place('repository'),
    RESTIC_PASSWORD_FILE: place('password'),
    RESTIC_CACHE_DIR: place('cache'),
  };
  const { stdout } = await execa('bash', ['-seu'], { input: here, cwd: folder.path, env });
  return stdout;
}

const at = (path: string): string => join(place('restored'), path);

describe('the page about restoring without Stillpoint', () => {
  it('shows what is there', async () => {
    const said = await run(block('restic snapshots'));
    expect(said).toContain(id.slice(0, 8));
    expect(said).toContain('no errors were found');
    expect(said).toMatch(/\/var\/lib\/mysql\/ibdata1\n/);
    expect(said).toMatch(/Found matching entries in snapshot/);
    expect(await run('restic snapshots --tag source=shop')).toContain('1 snapshots');
    expect(page).toContain('restic snapshots --tag source=shop');
  });

  it('brings everything back, with what the table promises and without what it does not', async () => {
    await run(block('--target /srv/restored\n'));
    // Before anything reads it.
    const dates = await stat(at('srv/files/documents/contract.pdf'));
    expect(dates.atimeMs).toBe(dates.mtimeMs);
    const same = await execa('diff', ['-r', '--no-dereference', place('host/srv/files'), at('srv/files')], {
      reject: false,
    });
    // Of special files diff only says that they are some.
    expect(same.stdout.replaceAll(/^File .* is a (fifo|character special file) .*\n?/gm, '')).toBe('');
    const [before, after] = await Promise.all(
      [place('host'), place('restored')].map((cwd) =>
        execa('find', ['srv', 'var', '-printf', '%y %m %U:%G %T@ %p\\n'], { cwd }),
      ),
    );
    expect(after?.stdout.split('\n').toSorted()).toEqual(before?.stdout.split('\n').toSorted());
    const attribute = await execa('getfattr', ['-n', 'user.note', '--only-values', at('srv/files/noted')]);
    expect(attribute.stdout).toBe('kept');
    expect((await stat(at('srv/files/hard'))).ino).toBe((await stat(at('srv/files/noted'))).ino);
    // "written as zeros": it takes its whole size.
    expect((await stat(at('srv/files/sparse'))).blocks * 512).toBeGreaterThanOrEqual(4 * 1024 ** 2);
  });

  it('brings some paths and single files back, and warns of an --include that matches nothing', async () => {
    await execa('rm', ['-r', place('restored')]);
    await run(block('--include'));
    expect((await execa('find', ['.', '-type', 'f'], { cwd: place('restored') })).stdout).toBe(
      './srv/files/documents/contract.pdf',
    );
    expect(page).toContain('an `--include` that matches nothing succeeds and restores nothing');
    await run(`restic restore 40a79e49 --target ${place('nothing')} --include /not/there`);
    expect(existsSync(place('nothing'))).toBe(false);
    await run(block('restic dump'));
    expect(await readFile(place('contract.pdf'), 'utf8')).toBe('the contract\n');
  });

  it('is right in what it says of a dump of a whole folder', async () => {
    const said = await run(`restic dump 40a79e49 /srv/files | tar --list --verbose`);
    expect(said).toMatch(/^-\S+ .* srv\/files\/pipe$/m);
    expect(said).toMatch(/^-\S+ .* srv\/files\/null$/m);
  });

  it('looks around in a mount', async ({ skip }) => {
    skip(!existsSync('/dev/fuse') || !existsSync('/usr/bin/fusermount3'), 'needs the package fuse3');
    const [mount = '', look = ''] = block('restic mount').trim().split('\n');
    // In two terminals: the first one goes on until the other has looked.
    const said = await run(`{ ${mount.replace(/#.*/, '')} > /dev/null; } & terminal=$!
      for try in $(seq 100); do [ -e /mnt/restic/ids ] && break; sleep 0.1; done
      ${look} || true
      pkill -INT -P $terminal || kill -INT $terminal; wait $terminal || true`);
    expect(said.split('\n')).toEqual(expect.arrayContaining(['srv', 'var']));
    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(place('mnt'));
  });

  it('gives files to other numbers', async () => {
    await execa('rm', ['-rf', place('restored')]);
    await run(block('--target /srv/restored\n'));
    await run(block('find /srv/restored'));
    expect(await stat(at('var/lib/mysql/ibdata1'))).toMatchObject({ uid: 4242, gid: 4242 });
    expect(await stat(at('srv/files/noted'))).toMatchObject({ uid: 0, gid: 0 });
  });

  it('gives out what was proved, with the position of a log', async () => {
    const said: unknown = JSON.parse(await run(block('restic cat masterkey')));
    expect(said).toMatchObject({ hostname: 'db1', stillpoint: { evidence: { holds: sampleHolds } } });
    expect(await run('restic cat snapshot 40a79e49')).not.toContain('binlog');
    expect(page).toContain('restic shows none of it');
  });

  it('is right in what it says of a lock of another machine', async () => {
    await using repository = await openRepository(createLocalBackend(place('repository')), PASSWORD, never);
    await using _lock = await repository.lock('exclusive', never);
    const locks = 'restic list --no-lock locks';
    // As on another machine: there the process is not known.
    const elsewhere = (commands: string): Promise<string> =>
      run(`unshare --uts bash -seu <<'END'\nhostname elsewhere\n${commands}\nEND`);
    expect(await elsewhere(`restic unlock; ${locks}`)).toMatch(/^successfully removed locks\n[0-9a-f]{64}$/);
    expect(await elsewhere('restic ls --no-lock 40a79e49 /srv/files')).toContain('/srv/files/noted');
    for (const command of ['restic unlock --remove-all', 'restic unlock', '--no-lock']) {
      expect(page).toContain(`\`${command}\``);
    }
    expect(await elsewhere(`restic unlock --remove-all; ${locks}`)).toBe('successfully removed locks');
  });

  it('lets restic go on with the repository', async () => {
    for (const command of ['restic forget --keep-last 7 --prune', 'restic check']) {
      expect(page).toContain(`\`${command}\``);
      await run(command);
    }
    await using repository = await openRepository(createLocalBackend(place('repository')), PASSWORD, never);
    expect((await verifyRepository(repository, { signal: never })).findings).toEqual([]);
  });
});

const HOST = String.raw`
mkdir -p "$1/srv/files/documents" "$1/var/lib/mysql"; cd "$1"
echo 'the contract' > srv/files/documents/contract.pdf; touch -d '2020-02-02T02:02:02.123456789Z' srv/files/documents/contract.pdf
head -c 300000 /dev/urandom > var/lib/mysql/ibdata1; chown -R 100:107 var/lib/mysql; chmod 2750 var/lib/mysql
cd srv/files; echo noted > noted; ln noted hard; ln -s noted link; setfattr -n user.note -v kept noted
truncate -s 4M sparse; mkfifo pipe; mknod null c 1 3; printf x > $'\xff'
`;
