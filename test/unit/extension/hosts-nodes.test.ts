import { describe, expect, test } from 'vitest';
import { type HostsNode, hostsNodeView } from '../../../extension/tree/hosts-nodes.ts';
import { CONSISTENCY_LEVELS, CONSISTENCY_MEANING } from '../../../shared/domain/consistency.ts';
import { hostName, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { sampleDumps } from '../../support/sample-data.ts';
import { sampleReadiness } from '../../support/sample-readiness.ts';
import { aRestorePoint, aSource, aVolume } from './builders.ts';
import { english } from './wording.ts';

const host = hostName('db1');
const view = (node: HostsNode) => hostsNodeView(node, english);

describe('a host', () => {
  test('of the configuration names its sources, also to a screen reader', () => {
    const shown = view({
      kind: 'host',
      host: { name: host, origin: 'configuration', forAssistants: true, login: '', sources: ['shop', 'wiki'] },
    });
    expect(shown).toMatchObject({
      id: 'host/db1',
      label: 'db1',
      description: 'shop, wiki',
      context: 'host.configured.sources',
      accessibleLabel: 'Host db1, sources shop, wiki',
    });
  });

  test('of the SSH configuration can be added, and backed up when a source names it', () => {
    const context = (sources: string[]) =>
      view({ kind: 'host', host: { name: host, origin: 'ssh-config', forAssistants: false, login: '', sources } })
        .context;
    expect([context([]), context(['shop'])]).toEqual(['host.ssh-config', 'host.ssh-config.sources']);
  });

  test('connects only when its volumes are opened, so these are closed', () => {
    expect(view({ kind: 'volumes', host, login: '' }).children).toBe('closed');
  });
});

describe('a volume', () => {
  test('says in words that a snapshot is possible', () => {
    const shown = view({ kind: 'volume', host, volume: aVolume() });
    expect(shown.label).toBe('/var/lib/mysql');
    expect(shown.description).toBe('vg0/mysql, snapshot possible');
    expect(shown.accessibleLabel).toBe(
      'Volume vg0/mysql at /var/lib/mysql, LVM volume, ext4, 512 MiB of 1.0 GiB used, snapshot possible',
    );
  });

  test('says why there is no snapshot and what would make one possible', () => {
    const snapshot = { possible: false, reason: 'It is on a plain disk.', remedy: 'Move it to LVM.' } as const;
    const shown = view({ kind: 'volume', host, volume: aVolume({ kind: 'plain', snapshot }) });
    expect(shown.description).toContain('no snapshot');
    expect(shown.accessibleLabel).toContain('It is on a plain disk.');
    expect(shown.tooltip).toContain('Move it to LVM.');
    expect(shown.context).toBe('volume.plain');
  });

  test('keeps its id when it is renamed or fuller', () => {
    const before = view({ kind: 'volume', host, volume: aVolume() });
    const after = view({ kind: 'volume', host, volume: aVolume({ label: 'vg0/db', usedBytes: 1 }) });
    expect(after.id).toBe(before.id);
  });

  test('of another host has another id', () => {
    const here = view({ kind: 'volume', host, volume: aVolume() });
    const there = view({ kind: 'volume', host: hostName('db2'), volume: aVolume() });
    expect(there.id).not.toBe(here.id);
  });
});

describe('a restore point', () => {
  test('shows its instant to the second, its consistency and its size', () => {
    expect(view({ kind: 'restore-point', point: aRestorePoint() })).toMatchObject({
      label: '23 Nov 2026, 04:05:06',
      description: 'crash, 3.0 MiB',
      accessibleLabel: 'Restore point of 23 Nov 2026, 04:05:06, crash, 3.0 MiB',
      shows: { command: 'stillpoint.showRestorePoint' },
    });
  });

  test.each(CONSISTENCY_LEVELS)('tells what %s means', (consistency) => {
    const shown = view({ kind: 'restore-point', point: aRestorePoint({ consistency }) });
    expect(shown.tooltip).toContain(CONSISTENCY_MEANING[consistency]);
  });

  test('says how far apart its parts are, where they are', () => {
    const shown = view({ kind: 'restore-point', point: aRestorePoint({ consistency: 'crash-skewed', skewMs: 1240 }) });
    expect(shown.tooltip).toContain('From its first instant to its last it is at most 1.2 s.');
    expect(view({ kind: 'restore-point', point: aRestorePoint() }).tooltip).not.toContain('From its first instant');
  });

  test('tells dumps with their own consistency', () => {
    const shown = view({ kind: 'restore-point', point: aRestorePoint({ consistency: 'fuzzy', dumps: sampleDumps }) });
    expect(shown.description).toContain('fuzzy, 1 dump application, 1 dump fuzzy');
  });

  test('of another program claims no consistency', () => {
    const shown = view({ kind: 'restore-point', point: aRestorePoint({ consistency: undefined }) });
    expect(shown.description).toBe('consistency unknown, 3.0 MiB');
    expect(shown.tooltip).toContain('not known');
  });
});

test('a restore point that cannot be read is shown below each source, as a problem', () => {
  const point = { repository: repositoryName('main'), restorePoint: 'c4'.repeat(32), reason: 'Its file is damaged.' };
  const shown = view({ kind: 'unreadable-point', source: sourceName('shop'), point });
  expect(shown).toMatchObject({
    label: 'Restore point c4c4c4c4 cannot be read',
    description: 'Its file is damaged.',
    context: 'unreadable-point',
    accessibleLabel: 'Problem: Restore point c4c4c4c4 cannot be read. Its file is damaged.',
  });
  expect(shown.tooltip).toContain('"main"');
  expect(view({ kind: 'unreadable-point', source: sourceName('web'), point }).id).not.toBe(shown.id);
});

test('a problem shows sentence and advice, and a mistake in the configuration is told apart', () => {
  const error = { code: 'ssh.unreachable', message: 'Host "db1" does not answer.', advice: 'Start it.', details: {} };
  const problem = (code: string) => view({ kind: 'problem', parent: 'volumes/db1', error: { ...error, code } });
  expect(problem('ssh.unreachable')).toMatchObject({
    id: 'problem/volumes/db1',
    label: 'Host "db1" does not answer.',
    description: 'Start it.',
    context: 'problem',
    accessibleLabel: 'Problem: Host "db1" does not answer. Start it.',
  });
  expect(problem('config.invalid').context).toBe('problem.config');
});

test('a problem of several lines shows the first mistake beside its sentence', () => {
  const message = 'The configuration has 2 mistakes:\n  c.jsonc:3:3: Unknown key.\n  c.jsonc:4:1: Missing.';
  const error = { code: 'config.invalid', message, advice: 'Correct it.', details: {} };
  expect(view({ kind: 'problem', parent: undefined, error })).toMatchObject({
    label: 'The configuration has 2 mistakes',
    description: 'c.jsonc:3:3: Unknown key.',
    accessibleLabel:
      'Problem: The configuration has 2 mistakes: c.jsonc:3:3: Unknown key. c.jsonc:4:1: Missing. Correct it.',
  });
});

test('no two kinds of nodes share an id', () => {
  const source = aSource();
  const nodes: HostsNode[] = [
    { kind: 'host', host: { name: host, origin: 'configuration', forAssistants: true, login: '', sources: [] } },
    { kind: 'ssh-hosts', hosts: [] },
    { kind: 'source', source },
    { kind: 'restore-point', point: aRestorePoint() },
    { kind: 'volumes', host, login: '' },
    { kind: 'connecting', host },
    { kind: 'volume', host, volume: aVolume() },
    { kind: 'host-warning', host, text: 'The clock is wrong.' },
    { kind: 'readiness', host, login: '' },
    { kind: 'looking', host },
    { kind: 'ready', host },
    { kind: 'unseen', host, text: 'Open files.' },
    ...sampleReadiness.findings.map((finding): HostsNode => ({ kind: 'finding', host, finding })),
    { kind: 'no-restore-points', source },
    { kind: 'problem', parent: undefined, error: { code: 'x', message: 'm', advice: 'a', details: {} } },
  ];
  expect(new Set(nodes.map((node) => view(node).id)).size).toBe(nodes.length);
});
