/**
 * One source over everything that a host may have: LVM thick with XFS and another volume mounted in it, LVM thin, Btrfs with
 * subvolumes that are mounted elsewhere or nowhere, a bind mount, and a root file system that no snapshot holds; while
 * writers put records in a strict order into three files on each. All shells say what came of it.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConsistencyEvidence } from '../../shared/domain/consistency.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { type OrderedWriters, startOrderedWriters } from '../lab/ordered-writer.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { type InstalledUser, installedUser } from '../support/installed-user.ts';
import { textOf } from '../support/mcp-client.ts';
import { needing } from '../support/needing.ts';
import { expectFirstRecords, FILES, numbersIn, recordsOf } from '../support/ordered-records.ts';
import { NO_RESTIC } from '../support/restic.ts';

const LAYOUT = `modprobe btrfs
lvcreate -qq -y -n inner -L 100m vg0; mkfs.ext4 -q /dev/vg0/inner
lvcreate -qq -y -n tree -L 600m vg0; mkfs.btrfs -q /dev/vg0/tree
mkdir /srv/files/inner /srv/files/shared /srv/bound /srv/tree /srv/apart /srv/plain
mount /dev/vg0/inner /srv/files/inner; mount --bind /srv/files/shared /srv/bound
mount /dev/vg0/tree /srv/tree
for sub in nested nested/deep apart; do btrfs -q subvolume create /srv/tree/$sub; done
mount -o subvol=apart /dev/vg0/tree /srv/apart
for folder in files files/inner files/shared thin tree tree/nested tree/nested/deep apart plain; do
  echo "note of $folder" > /srv/$folder/note
done`;

/** Folders in which somebody writes, each on a volume of its own, with what the evidence calls that volume. */
const WRITTEN = {
  '/srv/files': 'vg0/files',
  '/srv/files/inner': 'vg0/inner',
  '/srv/thin': 'vg0/thin',
  '/srv/tree': '/dev/mapper/vg0-tree:/',
  '/srv/tree/nested': '/dev/mapper/vg0-tree:/nested',
  '/srv/apart': '/dev/mapper/vg0-tree:/apart',
} as const;

/** All that lies there but for what is being written. */
const QUIET = [
  ...['/srv/files/note', '/srv/files/documents/note.txt', '/srv/files/inner/note', '/srv/files/shared/note'],
  ...['/srv/bound/note', '/srv/thin/note', '/srv/thin/documents/note.txt', '/srv/tree/note', '/srv/tree/nested/note'],
  ...['/srv/tree/nested/deep/note', '/srv/tree/apart/note', '/srv/apart/note', '/srv/plain/note'],
];

interface Saved {
  readonly restorePoint: string;
  readonly consistency: string;
  readonly skewMs: number;
}

describe('a source over every storage', needing(NO_RESTIC ?? (await reasonLabCannotRun())), () => {
  const signal = AbortSignal.timeout(600_000);
  const must = (script: string): Promise<string> => guest.must(script, { signal });
  let guest: Guest;
  let user: InstalledUser;
  let writers: OrderedWriters;
  let saved: Saved;
  let evidence: ConsistencyEvidence;
  /** What the command line said on the way. */
  let lines: readonly Record<string, unknown>[];
  let restored: string;

  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(290_000));
    user = await installedUser();
    await user.configure({
      hosts: { shop1: { ssh: 'lab', sshConfigFile: guest.sshConfigFile } },
      sources: { srv: { host: 'shop1', paths: ['/srv'], repository: 'main', withoutSnapshot: 'read-live' } },
    });
    await user.makeRepository();
    await must(LAYOUT);
    writers = await startOrderedWriters(
      guest,
      Object.keys(WRITTEN).map((folder) => [folder]),
      40,
      signal,
    );
    // On the plain file system somebody changes a file faster than it can be read.
    await must(`systemd-run -q --unit=busy sh -c 'while :; do date >> /srv/plain/busy; sleep 0.01; done'`);
    const { exitCode, stdout, stderr } = await user.run(['backup', 'srv', '--json'], signal);
    // Partial, because of what changed while it was read.
    if (exitCode !== 9) throw new Error(`the backup ended with ${String(exitCode)}: ${stdout.slice(-2000)}${stderr}`);
    await writers.stop(signal);
    await must('systemctl stop busy');
    lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    saved = (lines.at(-1) as { result: Saved }).result;
    await using repository = await openRepository(createLocalBackend(user.repository), user.password, signal);
    const { extra } = await repository.findRestorePoint(saved.restorePoint, signal);
    ({ evidence } = (extra as { stillpoint: { evidence: ConsistencyEvidence } }).stillpoint);
    restored = join(user.home, 'restored');
    await user.restic(['restore', saved.restorePoint, '--target', restored], signal);
  }, 400_000);
  afterAll(async () => {
    await user?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  test('comes back complete, at all its places', async () => {
    const here = await must(`cd / && sha256sum ${QUIET.join(' ')}`);
    for (const line of here.trimEnd().split('\n')) {
      const [sum = '', path = ''] = line.split(/ +/);
      const content = await readFile(join(restored, path));
      expect(createHash('sha256').update(content).digest('hex'), path).toBe(sum);
    }
    const listed = await must("find /srv -type f ! -name 'lost+found' | sort");
    const names = await user.restic(['ls', saved.restorePoint], signal);
    expect(
      names
        .split('\n')
        .filter((name) => listed.split('\n').includes(name))
        .toSorted(),
    ).toEqual(listed.trimEnd().split('\n').toSorted());
  });

  test.each(Object.entries(WRITTEN))(
    'holds of the records in %s the first ones, up to its instant',
    async (folder, volume) => {
      const instant = evidence.instants.find((each) => each.volume === volume);
      expect(instant, JSON.stringify(evidence)).toBeDefined();
      if (instant === undefined) return;
      const journal = await writers.journal(Object.keys(WRITTEN).indexOf(folder), signal);
      const read = await Promise.all(FILES.map((file) => numbersIn(join(restored, folder), file, folder)));
      expectFirstRecords(read.flat(), recordsOf(journal), instant);
    },
  );

  test('names exactly what changed while it was read where there is no snapshot', () => {
    expect(lines.filter(({ type }) => type === 'item-skipped')).toEqual([
      expect.objectContaining({ path: '/srv/plain/busy', reason: expect.stringContaining('perhaps torn') as string }),
    ]);
    expect(evidence.live).toEqual([expect.objectContaining({ path: '/srv', tornCount: 1 })]);
  });

  test('says in all shells how consistent it is, and how far apart its instants are', async () => {
    expect(saved).toMatchObject({ consistency: 'fuzzy', skewMs: expect.any(Number) as number });
    expect(saved.skewMs).toBeGreaterThan(0);
    const listed = await user.run(['list', '--source', 'srv'], signal);
    expect(listed.stdout).toMatch(/fuzzy \((\d+ min )?[\d.]+ s\)/);
    const client = new Client({ name: 'stillpoint-test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new StdioClientTransport(user.mcpServer));
    try {
      const result = await client.callTool({ name: 'list_restore_points', arguments: { source: 'srv' } });
      expect(result.isError, textOf(result)).not.toBe(true);
      expect(result.structuredContent).toMatchObject({
        restorePoints: [{ restorePointId: saved.restorePoint, consistency: 'fuzzy', skewMs: saved.skewMs }],
      });
    } finally {
      await client.close();
    }
  });

  test('leaves the host as it was', async () => {
    expect(await guest.traces({ signal })).toEqual([]);
    expect(await must('btrfs subvolume list /srv/tree')).not.toContain('.stillpoint');
  });
});
