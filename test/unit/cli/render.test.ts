/** What people read, as golden files: a change of words is seen in review. And nothing that we print can draw. */
import { describe, expect, test } from 'vitest';
import { renderError } from '../../../cli/render/error.ts';
import { renderEvent } from '../../../cli/render/event.ts';
import { renderInventory } from '../../../cli/render/inventory.ts';
import { renderJob, renderJobs } from '../../../cli/render/jobs.ts';
import { renderForgetPlan, renderPrunePlan } from '../../../cli/render/maintenance.ts';
import { renderPlan, renderScripts, renderSweepPlan } from '../../../cli/render/plan.ts';
import { formatMode, renderListing, renderPoints } from '../../../cli/render/points.ts';
import { renderNewVolume, renderNewVolumePlan } from '../../../cli/render/prepare.ts';
import { renderReadiness } from '../../../cli/render/readiness.ts';
import { renderSetupPlan } from '../../../cli/render/setup.ts';
import { coloured, formatCount, formatDuration, formatTime, plain } from '../../../cli/render/text.ts';
import { renderResult } from '../../../cli/verbs.ts';
import { ERROR_CODES, type ErrorCode } from '../../../shared/base/error-codes.ts';
import { type ErrorRecord, StillpointError, toErrorRecord } from '../../../shared/base/errors.ts';
import { registerSecret } from '../../../shared/base/log.ts';
import { Problems } from '../../../shared/base/problems.ts';
import { holdsOf } from '../../../shared/domain/holds.ts';
import { jobId, restorePointId, sourceName } from '../../../shared/domain/names.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import { CONTROL, HOSTILE_TEXTS } from '../../support/hostile-text.ts';
import {
  foreignPoint,
  sampleBackup,
  sampleCheck,
  sampleCopy,
  sampleDumps,
  sampleEntries,
  sampleError,
  sampleExport,
  sampleHolds,
  sampleInventory,
  sampleJob,
  sampleListing,
  sampleLosses,
  samplePartialArchive,
  samplePartialRestore,
  samplePlan,
  samplePoint,
  sampleRestore,
  sampleRun,
  sampleShare,
  sampleSkipped,
  sampleSweep,
  sampleTrouble,
  sampleVerify,
  stored,
  timeOf,
  WHOLE,
} from '../../support/sample-data.ts';
import {
  sampleForget,
  sampleForgetPlan,
  samplePrune,
  samplePrunePlan,
  sampleSweepPlan,
} from '../../support/sample-maintenance.ts';
import { sampleReadiness, sampleSetupPlan } from '../../support/sample-readiness.ts';
import { sampleRepair } from '../../support/sample-repair.ts';
import { sampleVolumePlan } from '../../support/sample-volume.ts';

const golden = (name: string): string => `../../golden/cli/${name}.txt`;
const RESULTS = [
  sampleBackup,
  sampleSkipped,
  sampleExport,
  samplePartialArchive,
  samplePartialRestore,
  sampleRestore,
  sampleCheck,
  sampleVerify,
  sampleShare,
  sampleLosses,
  { ...sampleLosses, proved: { ...sampleLosses.proved!, lostIndexes: 1 } },
  sampleCopy,
  sampleSweep,
  sampleForget,
  samplePrune,
  sampleRepair,
  { ...sampleRepair, applied: true },
] as const;
const listing = {
  restorePoint: samplePoint.id,
  path: '/var/lib/mysql',
  entries: sampleEntries,
  wholeness: WHOLE,
  nextCursor: undefined,
};
const finishedJob = sampleJob({
  id: jobId('aaaaaaaaaaaaaaaa'),
  state: 'failed',
  finishedAt: timeOf(42),
  error: sampleError,
});

describe('golden', () => {
  test('events', async () => {
    const lines = stored([...sampleRun, ...sampleTrouble]).map((event) => {
      const line = renderEvent(event, plain);
      return line === undefined
        ? `${event.type}: no line\n`
        : `${event.type}${line.trouble ? ' (trouble)' : ''}:\n${line.text}`;
    });
    await expect(lines.join('')).toMatchFileSnapshot(golden('events'));
  });

  test('results', async () => {
    await expect(RESULTS.map((result) => renderResult(result, plain)).join('\n')).toMatchFileSnapshot(
      golden('results'),
    );
  });

  test('host, plan, restore points, files, jobs', async () => {
    await expect(renderInventory(sampleInventory, plain)).toMatchFileSnapshot(golden('inspect'));
    await expect(renderReadiness(sampleReadiness, plain)).toMatchFileSnapshot(golden('advise'));
    await expect(renderSetupPlan(sampleSetupPlan, plain)).toMatchFileSnapshot(golden('setup'));
    const made = { plan: sampleVolumePlan, uuid: '0-1', next: ['mount /srv/files'] };
    await expect(
      `${renderNewVolumePlan(sampleVolumePlan, plain)}\n${renderNewVolume(made, plain)}`,
    ).toMatchFileSnapshot(golden('prepare'));
    await expect(renderPlan(samplePlan, plain)).toMatchFileSnapshot(golden('plan'));
    await expect(renderForgetPlan(sampleForgetPlan, plain)).toMatchFileSnapshot(golden('forget'));
    await expect(renderPrunePlan(samplePrunePlan, plain)).toMatchFileSnapshot(golden('prune'));
    await expect(renderSweepPlan(sampleSweepPlan, plain)).toMatchFileSnapshot(golden('sweep-plan'));
    expect(renderSweepPlan({ ...sampleSweepPlan, removes: [], steps: [] }, plain)).toContain(
      'Nothing of ours that is over',
    );
    await expect(renderPoints(sampleListing, plain)).toMatchFileSnapshot(golden('list'));
    await expect(renderListing({ ...listing, nextCursor: '4' }, plain)).toMatchFileSnapshot(golden('ls'));
    await expect(renderJobs([sampleJob(), finishedJob], sampleJob().configFile, plain)).toMatchFileSnapshot(
      golden('jobs'),
    );
    await expect(renderJob(finishedJob, plain)).toMatchFileSnapshot(golden('job'));
  });

  test('of a snapshot for which no room is set aside says nothing of room', () => {
    const [planned] = samplePlan.snapshots;
    const plan = renderPlan(
      { ...samplePlan, snapshots: planned === undefined ? [] : [{ ...planned, sizeBytes: 0, freeBytesAfter: 0 }] },
      plain,
    );
    expect(plan).toMatch(/^\S+ +sp_\S+ +- +- +\//m);
    const [taken] = sampleBackup.snapshots;
    const snapshots = taken === undefined ? [] : [{ ...taken, sizeBytes: 0, peakUsedBytes: 0 }];
    expect(renderResult({ ...sampleBackup, snapshots }, plain)).not.toContain(' used');
    expect(renderResult(sampleBackup, plain)).toContain(' used');
  });

  test('of what is read live there is no table of snapshots, and no script', () => {
    const live = { ...samplePlan, snapshots: [], steps: [{ does: ['read "/srv" where it lies'] }] };
    const text = renderPlan(live, plain);
    expect(text).toContain('What is done; none of it changes the host:\n  1. read "/srv" where it lies\n');
    expect(text).not.toMatch(/SNAPSHOT|Steps that change/);
    expect(renderScripts(live)).toBe('# No script changes the host: all is read where it lies.\n');
  });

  test('every error code renders as message, advice and code', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const record = toErrorRecord(new StillpointError(code, 'It broke.', { advice: 'Mend it.', cause: undefined }));
      expect(renderError(record, plain)).toBe(`It broke.\nMend it.\n[${code}]\n`);
      const long = { ...record, message: `No "${'x'.repeat(100_000)}" here.` };
      expect(renderError(long, plain)).toMatch(
        /^No "x{1196} … \(98.21\d characters left out\) … x+" here\.\nMend it\.\n/,
      );
    }
  });
});

/** Lengthens every free text in plain data by `suffix`; words of a fixed set, times and ids stay. */
function poisoned<T>(value: T, suffix: string, key = ''): T {
  const fixed = ['type', 'kind', 'severity', 'consistency', 'outcome', 'state', 'phase', 'time', 'at', 'mtime', 'id'];
  if (typeof value === 'string') {
    return fixed.includes(key) || key.endsWith('At') || key === 'provider' ? value : (`${value}${suffix}` as T);
  }
  if (Array.isArray(value)) return value.map((inner: unknown) => poisoned(inner, suffix, key)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, poisoned(inner as unknown, suffix, name)]),
  ) as T;
}

test.each(HOSTILE_TEXTS)('%j can neither move the cursor nor begin a line', (text) => {
  const render = (suffix: string): string =>
    [
      ...stored([...sampleRun, ...sampleTrouble]).map(
        (event) => renderEvent(poisoned(event, suffix), plain)?.text ?? '',
      ),
      ...RESULTS.map((result) => renderResult(poisoned(result, suffix), plain)),
      renderInventory(poisoned(sampleInventory, suffix), plain),
      renderPlan({ ...poisoned(samplePlan, suffix), steps: samplePlan.steps }, plain),
      renderPoints(poisoned(sampleListing, suffix), plain),
      renderPoints({ ...poisoned(sampleListing, suffix), unreadable: [] }, plain),
      renderListing(poisoned(listing, suffix), plain),
      renderJobs([poisoned(sampleJob(), suffix), poisoned(finishedJob, suffix)], '/c', plain),
      renderJob(poisoned(finishedJob, suffix), plain),
      renderError(poisoned(sampleError, suffix), plain),
    ].join('');
  const output = render(text);
  expect(output).not.toMatch(CONTROL);
  expect(output.split('\n').length).toBe(render('').split('\n').length);
  expect(output).not.toBe(render(''));
});

test('what a script of a plan does has a line each, and its control characters are shown', () => {
  const [step] = samplePlan.steps;
  const steps = [{ ...step!, does: ['first', '\u001b[31mred\nblue'] }, step!];
  const output = renderPlan({ ...samplePlan, steps }, plain);
  expect(output).toContain('  1. first\n     \\x1b[31mred\\nblue\n  2. ');
});

test('several problems at once have a line each, and a line break in a problem makes none', () => {
  const problems = new Problems();
  for (const name of ['/a\n/b', '/c'])
    problems.attempt(() => {
      throw new StillpointError('host.path-not-found', `There is no "${name}".`, { advice: 'Look.', cause: undefined });
    });
  let record: unknown;
  try {
    problems.throwIfAny((count) => `${count} problems`);
  } catch (error) {
    record = error;
  }
  const rendered = renderError(JSON.parse(JSON.stringify(toErrorRecord(record))) as ErrorRecord, plain);
  expect(rendered.split('\n')).toEqual([
    '2 problems:',
    '  There is no "/a\\n/b". Look.',
    '  There is no "/c". Look.',
    'Fix all of them, then try again.',
    '[host.path-not-found]',
    '',
  ]);
});

test.each([[{ problems: 'x' }], [{ problems: [{ message: 1 }] }], [{ problems: [null] }], [{}]])(
  'a line break that is not ours is shown as what it is: %j',
  (details) => {
    const rendered = renderError({ code: 'x.y', message: 'a\nb', advice: '', details }, plain);
    expect(rendered).toBe('a\\nb\n[x.y]\n');
  },
);

test('a registered secret is not printed', () => {
  registerSecret('canary-of-the-cli');
  const error = { ...sampleError, message: 'canary-of-the-cli', advice: 'canary-of-the-cli' };
  const events = stored([{ type: 'warning', code: 'x.y', message: 'canary-of-the-cli', advice: '' }]);
  expect(renderError(error, plain)).not.toContain('canary');
  expect(renderEvent(events[0]!, plain)?.text).not.toContain('canary');
});

test('long lists are cut, and the count stays true', () => {
  const skipped = Array.from({ length: 23 }, (_, index) => ({ path: `/f${index}`, reason: 'Gone.' }));
  const output = renderResult({ ...sampleBackup, skipped }, plain);
  expect(output).toContain('23 items saved without everything that belongs to it\n');
  expect(output).toContain('"/f19"');
  expect(output).not.toContain('"/f20"');
  expect(output).toContain('and 3 more; --json lists them all\n');

  const affects = Array.from({ length: 300 }, (_, index) => `3a7b9c12:/f${index}.`);
  const check = renderResult({ ...sampleCheck, findings: [{ severity: 'damage', message: 'It is.', affects }] }, plain);
  expect(check).toContain('(affects 3a7b9c12:/f0., ');
  expect(check).toContain('3a7b9c12:/f5. and others; --json names more)');
  expect(check).not.toContain('/f6.');
});

test('a snapshot that reserves nothing is not said to take 0 B, nor to leave that', () => {
  const snapshots = samplePlan.snapshots.map((snapshot) => ({ ...snapshot, sizeBytes: 0, freeBytesAfter: 0 }));
  const report = sampleBackup.snapshots.map((snapshot) => ({ ...snapshot, sizeBytes: 0, peakUsedBytes: 0 }));
  const [event] = stored([{ type: 'snapshot-created', volume: 'a', snapshot: 'b', freezeMs: 41, sizeBytes: 0 }]);
  expect(renderPlan({ ...samplePlan, snapshots }, plain)).toMatch(/\n\S+ +\S+ +- +- +\//);
  expect(renderResult({ ...sampleBackup, snapshots: report }, plain)).toContain('at most 41 ms, lived 14.2 s\n');
  expect(renderEvent(event!, plain)?.text).toContain('of a: writers held for at most 41 ms');
});

test('a restore point that another program wrote is not called consistent', () => {
  expect(renderPoints({ restorePoints: [foreignPoint], unreadable: [], unavailable: [] }, plain)).toContain('unknown');
});

test('a list that lacks restore points says so, and is not called empty', () => {
  const none = { restorePoints: [], unreadable: [], unavailable: [] };
  expect(renderPoints(none, plain)).toContain('No restore points yet. "stillpoint backup SOURCE" makes one');
  expect(renderPoints(none, plain)).toContain('"stillpoint copy" brings those of another repository.');
  expect(renderPoints(none, plain, { ...EVERY_POINT, sources: ['shop'], hostnames: ['db1'] })).toBe(
    'There is no restore point of the source "shop" and of the host "db1" yet.\n',
  );
  expect(renderPoints({ ...none, unavailable: sampleListing.unavailable }, plain)).toBe(
    'The repository "offsite" could not be asked: The host "nas" could not be reached. [ssh.unreachable]\nNone of the other repositories holds any restore point.\n',
  );
  const damaged = { ...none, unreadable: sampleListing.unreadable, unavailable: sampleListing.unavailable };
  expect(renderPoints(damaged, plain)).not.toContain('None of the other');
  const output = renderPoints({ ...none, unreadable: sampleListing.unreadable }, plain);
  expect(output).not.toContain('No restore points yet');
  expect(output).toMatch(/^c4c4c4c4 is damaged: /);
  expect(output).toContain('"stillpoint check main"');
});

test('a restore that is asked for by id shows its start', () => {
  const request = {
    kind: 'restore',
    repository: samplePoint.repository,
    restorePoint: restorePointId('ab'.repeat(32)),
    paths: [],
    target: '/tmp/x',
  } as const;
  expect(renderJob(sampleJob({ request }), plain)).toContain('restore of abababab to /tmp/x');
  expect(renderJob(sampleJob({ request: { kind: 'backup', source: sourceName('a') } }), plain)).toContain(
    'backup of a',
  );
});

test('colour is only ever added', () => {
  const painted = renderError(sampleError, coloured);
  expect(painted).toContain('\u001b[31m');
  expect(painted.replaceAll(/\u001b\[\d+m/g, '')).toBe(renderError(sampleError, plain));
});

test.each([
  [0, '0 ms'],
  [41.2, '41 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min 00 s'],
  [185_000, '3 min 05 s'],
  [3_599_600, '1 h 00 min'],
  [7_620_000, '2 h 07 min'],
])('%d ms is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('figures', () => {
  expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1 000', '1 234 567']);
  expect(formatTime('2026-11-22T22:14:03.5+01:00')).toBe('2026-11-22 21:14:03 UTC');
  expect(formatTime('not a \u001b time')).toBe('not a \\x1b time');
  expect(formatTime(undefined)).toBe('-');
});

test.each([
  ['file', 0o100644, '-rw-r--r--'],
  ['dir', 0o1777, 'drwxrwxrwt'],
  ['dir', 0o1770, 'drwxrwx--T'],
  ['file', 0o4755, '-rwsr-xr-x'],
  ['file', 0o2640, '-rw-r-S---'],
  ['symlink', 0o777, 'lrwxrwxrwx'],
  ['fifo', 0o600, 'prw-------'],
  ['dev', 0o660, 'brw-rw----'],
  ['chardev', 0, 'c---------'],
  ['socket', 0o700, 'srwx------'],
] as const)('%s with mode %o is %s', (kind, mode, text) => {
  expect(formatMode(kind, mode)).toBe(text);
});

test('jobs of another configuration are told from ours by its file', () => {
  const jobs = [sampleJob(), sampleJob({ configFile: '/etc/stillpoint.jsonc' })];
  const [, ours, theirs] = renderJobs(jobs, sampleJob().configFile, plain).split('\n');
  expect(ours).toContain('/home/ann/.config/stillpoint/config.jsonc');
  expect(theirs).toContain('/etc/stillpoint.jsonc');
});

test('holds are shown in a result with what they proved', () => {
  expect(renderResult({ ...sampleBackup, holds: sampleHolds }, plain)).toContain(
    '  held         MariaDB: held still for 0.38 s, from 0.09 s before the first instant; proved 0.07 s after the last (server 10.11.6-MariaDB, binlog bin.000003:337)\n  held         "caches": between its own commands, from 0.10 s before the first instant; its end was not seen; nothing is claimed\n',
  );
});

test('dumps are shown with their own consistency, in a list, a folder, a plan and a result', () => {
  const point = { ...samplePoint, dumps: sampleDumps };
  const listed = renderPoints({ restorePoints: [point], unreadable: [], unavailable: [] }, plain);
  expect(listed).toContain('crash; 1 dump application, 1 dump fuzzy');
  const folder = { restorePoint: point.id, wholeness: WHOLE, path: '/', entries: [], nextCursor: undefined };
  expect(renderListing({ ...folder, dumps: sampleDumps }, plain)).toContain(
    '/.stillpoint-dumps/mariadb/databases.sql is a dump, application: of one moment, as its own program writes it\n',
  );
  const fact = '/.stillpoint-dumps/command/ldap.ldif: the output of "slapcat", fuzzy';
  expect(renderPlan({ ...samplePlan, dumps: sampleDumps }, plain)).toContain(fact);
  expect(renderResult({ ...sampleBackup, dumps: sampleDumps }, plain)).toContain(fact);
  expect(renderResult({ ...sampleExport, dumps: sampleDumps }, plain)).toContain(fact);
});

test('of a restore point it is said what was proved of each hold, in a list, and how, with a folder', () => {
  const more = { what: 'PostgreSQL', guarantees: 'recovers', fromUptime: 4210.01 } as const;
  const point = { ...samplePoint, holds: holdsOf({ ...sampleBackup, holds: [...sampleHolds, more] }) };
  const listed = renderPoints({ restorePoints: [point], unreadable: [], unavailable: [] }, plain);
  expect(listed).toContain('crash; proved: MariaDB; not proved: PostgreSQL');
  expect(listed).not.toContain('caches');
  const folder = { restorePoint: point.id, wholeness: WHOLE, path: '/', entries: [], nextCursor: undefined };
  expect(renderListing({ ...folder, holds: point.holds }, plain)).toContain(
    '\nMariaDB: held still for 0.38 s, from 0.09 s before the first instant; proved 0.07 s after the last (server 10.11.6-MariaDB, binlog bin.000003:337)\n',
  );
});

test('a plan of dumps alone changes nothing on the host, and has the scripts all the same', () => {
  const command = { name: 'take-dump', needs: 'either', script: 'sp_dump', args: [], changesNothing: true } as const;
  const plan = { ...samplePlan, snapshots: [], steps: [{ does: ['slapcat'], command }] };
  expect(renderPlan(plan, plain)).toContain('What is done; none of it changes the host');
  expect(renderScripts(plan)).toContain('sp_dump');
});
