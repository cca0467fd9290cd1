/**
 * The command line as people have it: real processes, a real configuration, a real repository, and for what needs no
 * volumes no host. A whole backup by the command line is in the demo's test and, with Ctrl-C, in `shells.test.ts`.
 */
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { atTerminal } from '../support/at-terminal.ts';
import { describeTree, treeDifferences } from '../support/describe-tree.ts';
import { type InstalledUser, installedUser } from '../support/installed-user.ts';
import { needing } from '../support/needing.ts';
import { NO_RESTIC } from '../support/restic.ts';

/** Long enough for a slow machine, short enough to see a process that never ends. */
const signalOf = (): AbortSignal => AbortSignal.timeout(100_000);

/** A name with a newline, one with an escape sequence, one that is not UTF-8, one with both quotes. */
const NAMES = [
  Buffer.from('line\nbreak'),
  Buffer.from('\u001b[2Jgone'),
  Buffer.from('caf\xe9', 'latin1'),
  Buffer.from(`"it's"`),
];

async function writeFiles(folder: string): Promise<void> {
  await mkdir(join(folder, 'sub'), { recursive: true });
  for (const [index, name] of NAMES.entries()) {
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), name]), `content ${index}\n`);
  }
  await writeFile(join(folder, 'sub', 'big'), Buffer.alloc(3_000_000, 'stillpoint '));
  await symlink('../elsewhere', join(folder, 'sub', 'link'));
}

describe('without a repository', () => {
  test('init creates one that restic opens, and refuses to create a second', async () => {
    await using user = await installedUser();
    const created = (await user.ask(['init'], signalOf())) as { repository: string; id: string };
    expect(created.repository).toBe('main');
    expect(JSON.parse(await user.restic(['cat', 'config'], signalOf()))).toMatchObject({ version: 2, id: created.id });
    const again = await user.run(['init', 'main'], signalOf());
    expect(again).toMatchObject({ exitCode: 6, stdout: '' });
    expect(again.stderr).toMatch(/\[repository\.exists\]\n$/);
  });

  test.each<[string[], number, string]>([
    [['list'], 6, 'repository.not-found'],
    [['backup', 'nothing'], 3, 'config.unknown-source'],
    [['check', 'nothing'], 3, 'config.unknown-repository'],
    [['inspect', 'no-such-host'], 3, 'config.unknown-host'],
    [['inspect', 'closed'], 4, 'ssh.unreachable'],
    [['jobs', '0123456789abcdef'], 1, 'job.not-found'],
    [['hosts', '--config', 'nowhere.jsonc'], 3, 'config.not-found'],
  ])('stillpoint %j leaves with %d, and says %s', async (words, exitCode, code) => {
    await using user = await installedUser();
    await user.configure({ hosts: { closed: { ssh: 'closed', sshConfigFile: join(user.home, 'ssh_config') } } });
    await writeFile(join(user.home, 'ssh_config'), 'Host closed\n  HostName 127.0.0.1\n  Port 1\n');
    const ended = await user.run(words, signalOf());
    expect(ended).toMatchObject({ exitCode, stdout: '' });
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(3);
    expect(ended.stderr).toContain(`[${code}]\n`);
    const json = await user.run([...words, '--json'], signalOf());
    expect(json).toMatchObject({ exitCode, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({ type: 'exit', exitCode, error: { code } });
  });

  test('a mistake in the configuration is named with line and column', async () => {
    await using user = await installedUser();
    await writeFile(user.configFile, '{\n  "hosts": {"db1": {"sudoo": "none"}}\n}\n');
    const ended = await user.run(['hosts'], signalOf());
    expect(ended.exitCode).toBe(3);
    expect(ended.stderr).toMatch(/2:\d+|line 2/);
    expect(ended.stderr).toContain('[config.invalid]');
  });

  test('a job that fails leaves with the code of its error', async () => {
    await using user = await installedUser();
    const ended = await user.run(['check'], signalOf());
    expect(ended.exitCode).toBe(6);
    expect(ended.stdout).toMatch(/^Job [0-9a-f]{16}  check of main started\n/);
    expect(ended.stderr).toMatch(/\n\[repository\.not-found\]\n$/);
  });

  test('hosts come with their sources', async () => {
    await using user = await installedUser();
    await user.configure({
      hosts: { db1: { ssh: '192.0.2.1' } },
      sources: { shop: { host: 'db1', paths: ['/srv'], repository: 'main' } },
    });
    const { hosts } = (await user.ask(['hosts'], signalOf())) as { hosts: { name: string }[] };
    expect(hosts).toContainEqual({ name: 'db1', origin: 'configuration', forAssistants: true, sources: ['shop'] });
    expect((await user.run(['hosts'], signalOf())).stdout).toMatch(/^HOST +FROM +SOURCES\n/);
  });
});

describe('with a repository that restic wrote', needing(NO_RESTIC), () => {
  let user: InstalledUser;
  let files: string;

  beforeEach(async () => {
    user = await installedUser();
    files = join(user.home, 'files');
    await writeFiles(files);
    await user.makeRepository();
    await user.restic(['backup', '--host', 'db1', files], signalOf());
    return () => user[Symbol.asyncDispose]();
  });

  test('it is listed, looked into, proved and restored, with names of every kind', async () => {
    const signal = signalOf();
    const listed = (await user.ask(['list'], signal)) as { restorePoints: { id: string; hostname: string }[] };
    expect(listed.restorePoints).toMatchObject([{ hostname: 'db1', repository: 'main', paths: [files] }]);
    const id = listed.restorePoints[0]?.id ?? '';

    const { stdout } = await user.run(['ls', id.slice(0, 8), files], signal);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1 + NAMES.length + 1);
    expect(stdout).toContain('line\\nbreak');
    expect(stdout).toContain('\\x1b[2Jgone');
    expect(stdout).toContain('caf\\xe9');
    expect(stdout).not.toContain('\u001b');

    expect((await user.run(['check'], signal)).exitCode).toBe(0);
    const verified = await user.run(['verify', 'main'], signal);
    expect(verified.exitCode, verified.stderr).toBe(0);
    expect(verified.stdout).toContain('All data is there and intact');

    const restored = await user.run(['restore', 'latest', '--to', 'back'], signal);
    expect(restored.exitCode, restored.stderr).toBe(0);
    const found = await describeTree(join(user.home, 'back', files));
    expect(treeDifferences(await describeTree(files), found)).toEqual([]);
  });

  test('one file is restored by the name that ls shows', async () => {
    const signal = signalOf();
    const shown = ['line\\nbreak', 'caf\\xe9', '\\x1b[2Jgone', `"it's"`].map((name) => `${files}/${name}`);
    const restored = await user.run(['restore', 'latest', ...shown, '--to', 'one'], signal);
    expect(restored.exitCode, restored.stderr).toBe(0);
    const folder = Buffer.from(join(user.home, 'one', files));
    const names = (await readdir(folder, { encoding: 'buffer' })).toSorted(Buffer.compare);
    expect(names).toEqual(NAMES.toSorted(Buffer.compare));
    expect(await readFile(Buffer.concat([folder, Buffer.from('/'), NAMES[2]!]), 'utf8')).toBe('content 2\n');
  });

  test.each<[string, string[], number, string]>([
    ['an unknown point', ['ls', 'ffffffff'], 6, 'repository.unknown-point'],
    ['an unknown path', ['ls', 'latest', '/nowhere'], 6, 'repository.path-not-found'],
    ['a folder that is not empty', ['restore', 'latest', '--to', 'files'], 7, 'restore.target'],
    ['an unknown path to restore', ['restore', 'latest', '/nowhere', '--to', 'x'], 6, 'repository.path-not-found'],
    ['a source that nothing bears', ['list', '--source', 'shpo'], 2, 'usage.unknown-name'],
    ['a host that nothing bears', ['restore', 'latest', '--host', 'db2', '--to', 'x'], 2, 'usage.unknown-name'],
    ['a path that nothing bears', ['forget', '--path', '/nowhere', '--keep-last', '1'], 2, 'usage.unknown-name'],
    ['a tag that nothing bears', ['find', '*', '--tag', 'nightly'], 2, 'usage.unknown-name'],
  ])('%s is an error that names it', async (_, words, exitCode, code) => {
    const ended = await user.run(words, signalOf());
    expect(ended.exitCode).toBe(exitCode);
    expect(ended.stderr).toContain(`[${code}]`);
  });

  test('a restore point is found although another repository is out of reach, and has to fit what is asked', async () => {
    const signal = signalOf();
    const { restorePoints } = (await user.ask(['list'], signal)) as { restorePoints: { id: string }[] };
    const id = restorePoints[0]?.id.slice(0, 12) ?? '';
    await writeFile(join(user.home, 'ssh_config'), 'Host closed\n  HostName 127.0.0.1\n  Port 1\n');
    const passwordFile = join(user.home, 'password');
    await user.configure({
      hosts: { closed: { ssh: 'closed', sshConfigFile: join(user.home, 'ssh_config') } },
      repositories: {
        far: { location: 'sftp:closed:/backup', passwordFile },
        main: { location: user.repository, passwordFile },
      },
      sources: { shop: { host: 'db1', paths: ['/srv'], repository: 'main' } },
    });
    const restored = await user.run(['restore', id, '--to', 'back'], signal);
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect(restored.stderr).toMatch(/^Warning: The repository "far" could not be asked, so it may have another .*/);
    const latest = await user.run(['ls', 'latest', files, '--host', 'db1'], signal);
    expect(latest.exitCode, latest.stderr).toBe(0);
    expect(latest.stderr).toMatch(
      /in the repository "main"\.\nWarning: The repository "far" could not be asked: .*\n$/,
    );
    const unfit = await user.run(['ls', id, '--source', 'shop', '--repository', 'main'], signal);
    expect(unfit).toMatchObject({ exitCode: 2, stdout: '' });
    expect(unfit.stderr).toContain('is of no source, not of the source "shop".');
    const nowhere = await user.run(['ls', 'ffffffff'], signal);
    expect(nowhere).toMatchObject({ exitCode: 4, stdout: '' });
    expect(nowhere.stderr).toContain('is not in "main", and the repository "far" could not be asked');
  });

  test('a wrong password is an error before anything else', async () => {
    await writeFile(join(user.home, 'password'), 'wrong\n');
    const ended = await user.run(['verify', '--json'], signalOf());
    expect(ended.exitCode).toBe(6);
    expect(ended.stdout).toContain('"repository.wrong-password"');
  });

  test('damage is found by verify, and is not "done"', async () => {
    const signal = signalOf();
    const packs = join(user.repository, 'data');
    const [sub] = (await readdir(packs, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
    const pack = join(sub?.parentPath ?? '', sub?.name ?? '');
    const bytes = await readFile(pack);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    await rm(pack, { force: true });
    await writeFile(pack, bytes);
    const verified = await user.run(['verify', '--json'], signal);
    expect(verified.exitCode).toBe(8);
    const exit = JSON.parse(verified.stdout.trimEnd().split('\n').at(-1) ?? '') as { result: { findings: unknown[] } };
    expect(exit.result.findings.length).toBeGreaterThan(0);
    const text = await user.run(['verify'], signal);
    expect(text.exitCode).toBe(8);
    expect(text.stdout).not.toContain('All data is there');
  });

  test('jobs are seen by later commands', async () => {
    const signal = signalOf();
    const id = (await user.run(['check', '--detach'], signal)).stdout.trim();
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    const followed = await user.run(['jobs', id, '--follow'], signal);
    expect(followed.exitCode, followed.stderr).toBe(0);
    expect(await user.ask(['jobs', id], signal)).toMatchObject({ job: { id, state: 'succeeded' } });
    expect(await user.ask(['jobs', '--state', 'succeeded'], signal)).toMatchObject({ jobs: [{ id }] });
    expect((await user.run(['cancel', id], signal)).stdout).toContain('had ended already: succeeded');
  });

  test('a reader that goes away ends the command quietly, but not as if all had been told', async () => {
    const listing = user.start(['list'], signalOf());
    listing.stdout.destroy();
    expect(await listing).toMatchObject({ exitCode: 141, stderr: '' });
  });

  test('a password is asked for at a terminal, and is not shown', async () => {
    await user.configure({ repositories: { main: { location: user.repository } } });
    const dialogue = { question: /Password of[^\n]*: $/, answers: ['correct horse battery\r'] };
    const { screen, exitCode } = await atTerminal(user, ['list'], dialogue, signalOf());
    expect(exitCode, screen).toBe(0);
    expect(screen).toContain('Password of the repository "main"');
    expect(screen).toContain('db1');
    expect(screen).not.toContain('correct horse');
  });

  test.each(['\u0003', 'half\u0003'])(
    'Ctrl-C at the question for a password, after %j, leaves with 130',
    async (keys) => {
      await user.configure({ repositories: { main: { location: user.repository } } });
      for (const words of [['list'], ['check'], ['forget', '--keep-last', '1']]) {
        const dialogue = { question: /Password of[^\n]*: $/, answers: [keys] };
        const { screen, exitCode } = await atTerminal(user, words, dialogue, signalOf());
        expect({ words, exitCode }, screen).toEqual({ words, exitCode: 130 });
        expect(screen).toContain('[run.cancelled]');
      }
    },
  );
});

test('Ctrl-C asks the job to stop, waits for its end, and leaves with 130', async () => {
  await using user = await installedUser();
  // A host that takes the connection and then never says a word
  const callers = new Set<Socket>();
  const silent = createServer((socket) => callers.add(socket));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  try {
    await writeFile(join(user.home, 'ssh_config'), `Host silent\n  HostName 127.0.0.1\n  Port ${port}\n`);
    await user.configure({ hosts: { silent: { ssh: 'silent', sshConfigFile: join(user.home, 'ssh_config') } } });
    const running = user.start(['sweep', 'silent', '--json'], signalOf());
    const lines: Record<string, unknown>[] = [];
    for await (const line of running) {
      lines.push(JSON.parse(line) as Record<string, unknown>);
      if (lines.at(-1)?.['type'] === 'job-started') running.kill('SIGINT');
    }
    expect((await running).exitCode).toBe(130);
    expect(lines.at(-1)).toMatchObject({
      type: 'exit',
      exitCode: 130,
      outcome: 'cancelled',
      error: { code: 'run.cancelled' },
    });
    expect(lines.map((line) => line['type'])).toContain('cancelling');
    const { jobs } = (await user.ask(['jobs'], signalOf())) as { jobs: { state: string }[] };
    expect(jobs.map((job) => job.state)).toEqual(['cancelled']);
  } finally {
    for (const socket of callers) socket.destroy();
    silent.close();
  }
});
