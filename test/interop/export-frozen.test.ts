/**
 * Exports from snapshots, on a host of its own in namespaces: what is in them is of one instant, the host is left as it was
 * however they end, and what is not proved does not count. And a mirror on another host.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cancelled, never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { Phase } from '../../shared/domain/verbs/verbs.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import { createRegistry } from '../../shared/snapshot/registry.ts';
import { startLocalSshd } from '../lab/local-sshd.ts';
import { type Exported, type ExportOrder, exportHere } from '../support/exporting.ts';
import { needing, whyNotRoot } from '../support/needing.ts';
import { flagFile } from '../support/quiesce/flag-file.ts';
import { said } from '../support/restoring.ts';
import { COPIES, folderCopy } from '../support/snapshot/folder-copy.ts';
import type { NamespaceHost } from '../support/snapshot/namespace-host.ts';
import { startFolderCopyHost } from '../support/snapshot/provider-fixtures.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const FLAG = '/run/held-still';
const registry = createRegistry([folderCopy], [flagFile({ path: FLAG, guarantees: 'cold' })]);

describe('an export from snapshots', needing(whyNotRoot('namespaces and a private sshd')), () => {
  let folder: TemporaryFolder;
  let host: NamespaceHost;
  let out: string;
  let file: string;

  beforeEach(async () => {
    folder = await temporaryFolder();
    host = await startFolderCopyHost();
    out = join(folder.path, 'out');
    file = join(out, 'shop.tar.zst');
    await mkdir(out);
    await host.sh(
      'echo one > /run/copied/a; mkdir /run/copied/b; echo two > /run/copied/b/c; echo in > /run/copied/nested/d',
    );
  });
  afterEach(async () => {
    await host?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const save = (order: Partial<ExportOrder> = {}): Promise<Exported> =>
    exportHere({
      ...{ to: { kind: 'archive', file }, workFolder: join(folder.path, 'work'), paths: ['/run/copied'] },
      ...{ registry, withoutSnapshot: 'refuse', openHost: async () => host.connect() },
      ...order,
    });
  const during = (phase: Phase, work: () => Promise<unknown>): Pick<ExportOrder, 'onEvent'> => ({
    onEvent: (event) => {
      if (event.type === 'phase-started' && event.phase === phase) void work();
    },
  });
  const expectClean = async (): Promise<void> => {
    const left = `for there in ${COPIES}/* /run/stillpoint/????????* ${FLAG}; do [ ! -e "$there" ] || echo "$there"; done`;
    await expect.poll(() => host.sh(left), { timeout: 30_000 }).toBe('');
  };

  test('has what was there at its instant, and says of what instant and how consistent it is', async () => {
    const { report, error, events } = await save(during('mount', () => host.sh('echo later > /run/copied/a')));
    expect(said(error)).toBe('');
    expect(report).toMatchObject({ consistency: 'cold', missingCount: 0, files: 4 });
    expect(report?.snapshots).toHaveLength(3);
    const { stdout } = await execa('tar', [
      '--zstd',
      '-xOf',
      file,
      'run/copied/a',
      'run/copied/nested/d',
      'run/copied/b/c',
    ]);
    expect(stdout.split('\n').sort()).toEqual(['in', 'one', 'two']);
    const [head = ''] = (await readFile(`${file}.manifest.jsonl`, 'utf8')).split('\n');
    expect(JSON.parse(head)).toMatchObject({
      extra: { stillpoint: { consistency: 'cold', evidence: { holds: [{ guarantees: 'cold' }] } } },
    });
    // The host does not wait for what is done on this machine.
    const phases = events.flatMap((event) => (event.type === 'phase-started' ? [event.phase] : []));
    expect(phases.slice(-4)).toEqual(['end-check', 'release', 'verify', 'commit']);
    await expectClean();
  });

  test.for(['arm', 'snapshot', 'mount', 'list', 'read', 'end-check', 'release', 'verify', 'commit'] as const)(
    'that is cancelled in "%s" leaves the host and the folder clean',
    async (phase) => {
      const stop = new AbortController();
      const { error } = await save({
        signal: stop.signal,
        onEvent: (event) => {
          if (event.type === 'phase-started' && event.phase === phase) stop.abort(cancelled('It'));
        },
      });
      expect(error).toBeDefined();
      expect(await readdir(out)).toEqual([]);
      await expectClean();
    },
  );

  test('whose snapshot went while it was read gets no name', async () => {
    const { error, words } = await save(during('end-check', () => host.sh(`rm -rf ${COPIES}/sp_*`)));
    expect(said(error)).toMatch(/^snapshot\./);
    expect(words).toContain('what came before that was removed');
    expect(await readdir(out)).toEqual([]);
    await expectClean();
  });

  test('whose host goes while it is read leaves nothing that looks whole', async () => {
    await host.sh('head -c 30000000 /dev/urandom > /run/copied/large');
    let hasGone = false;
    const { error, words } = await save({
      onEvent: (event) => {
        if (event.type !== 'progress' || hasGone) return;
        hasGone = true;
        void host[Symbol.asyncDispose]();
      },
    });
    expect(error).toBeDefined();
    expect(words).toContain('Nothing is at');
    expect(await readdir(out)).toEqual([]);
  });

  test('to a mirror shares what is unchanged in a later snapshot, of which inodes and devices are others', async () => {
    const to = { kind: 'mirror', folder: join(out, 'mirror') } as const;
    const first = await save({ to });
    expect(said(first.error)).toBe('');
    await host.sh('echo changed > /run/copied/b/c');
    const second = await save({ to });
    expect(said(second.error)).toBe('');
    expect(second.report).toMatchObject({ consistency: 'cold', files: 4 });
    expect(await readFile(join(second.report?.path ?? '', 'run/copied/b/c'), 'utf8')).toBe('changed\n');
    expect(await readFile(join(first.report?.path ?? '', 'run/copied/b/c'), 'utf8')).toBe('two\n');
    expect(await readFile(join(out, 'mirror/latest/run/copied/nested/d'), 'utf8')).toBe('in\n');
    await expectClean();
  });

  test('to a mirror lies on another host, over SSH', async ({ signal }) => {
    await using sshd = await startLocalSshd({}, signal);
    const openKeeper: ExportOrder['openKeeper'] = () =>
      connectHost(
        { name: 'nas', ssh: sshd.alias, sshConfigFile: sshd.sshConfigFile, sudo: 'none' },
        {
          ...{ prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined },
          homeFolder: '/nonexistent',
        },
        never,
      );
    const to = { kind: 'mirror', folder: join(out, 'mirror'), host: 'nas' as never } as const;
    const { report, error } = await save({ to, openKeeper });
    expect(said(error)).toBe('');
    expect(report?.path).toMatch(/^nas:.*\/mirror\/20\d\d-/);
    expect(await readFile(join(out, 'mirror/latest/run/copied/a'), 'utf8')).toBe('one\n');
    await expectClean();
  });
});
