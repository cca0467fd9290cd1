/**
 * Our keep rules against `forget --dry-run` of the newest restic that can be had: random histories, each under its own
 * host name, and random rules. What is kept, in which group, and by which rules has to be the same.
 */
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { COUNTED_RULES, type KeepRules } from '../../shared/domain/keep-rules.ts';
import { fitsFilter, type PointFilter } from '../../shared/domain/point-filter.ts';
import { applyKeepRules, GROUP_KEYS, type GroupKey, type RetentionPoint } from '../../shared/domain/retention.ts';
import { timestampFromNs } from '../../shared/repository/timestamp.ts';
import { newestRestic, resticWith } from '../support/newest-restic.ts';
import { createMemoryBackend } from '../support/stores/memory.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { backUp, createTestRepository } from '../support/test-repository.ts';
import { writeOut } from '../support/write-out.ts';

const restic = await newestRestic();
const resticOk = resticWith(restic.program);

const REPOSITORIES = 8;
const HISTORIES = 21;
const RULES = 3;
const signal = AbortSignal.timeout(5 * 60_000);

const MINUTE = 60_000_000_000n;
const STEPS = [
  MINUTE,
  40n * MINUTE,
  600n * MINUTE,
  1440n * MINUTE,
  9000n * MINUTE,
  40_000n * MINUTE,
  300_000n * MINUTE,
];
const NOW = BigInt(Date.now()) * 1_000_000n;

const history = fc.record({
  start: fc.bigInt({ min: NOW - 8_000_000n * MINUTE, max: NOW + 500_000n * MINUTE }),
  scale: fc.constantFrom(...STEPS),
  points: fc.array(
    fc.record({
      step: fc.bigInt({ min: 1n, max: 3000n }),
      offset: fc.constantFrom<number>(0, 0, 60, 120, -480, 330, 765, -210),
      tags: fc.subarray(['a', 'b', 'c']),
      paths: fc.constantFrom<string[]>(['/srv'], ['/srv'], ['/etc', '/srv'], ['/srv', '/etc']),
    }),
    { minLength: 1, maxLength: 16 },
  ),
});
const span = fc
  .tuple(fc.nat(2), fc.nat(14), fc.nat(40), fc.nat(60))
  .map(([y, m, d, h]) => [`${y}y`, `${m}m`, `${d}d`, `${h}h`].filter((part) => !part.startsWith('0')).join('') || '3d');
/** Absent in so many of five cases. */
const absent = <T>(arbitrary: fc.Arbitrary<T>, weight: number): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 5 - weight, arbitrary });
const count = absent(fc.oneof({ weight: 6, arbitrary: fc.nat(5) }, fc.constant('unlimited' as const)), 3);
const rules: fc.Arbitrary<KeepRules> = fc.record({
  ...{ last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count },
  within: absent(span, 4),
  ...{ withinHourly: absent(span, 4), withinDaily: absent(span, 4), withinWeekly: absent(span, 4) },
  ...{ withinMonthly: absent(span, 4), withinYearly: absent(span, 4) },
  tags: absent(fc.array(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), { minLength: 1, maxLength: 2 }), 4),
});
const request = fc.record({
  rules: rules.map((some) => ({
    ...some,
    // No rule at all is refused, and 0 of the last ones is none.
    last: Object.values(some).every((rule) => !rule) ? 1 : some.last,
  })),
  groupBy: fc.oneof(fc.constant<GroupKey[]>(['host', 'paths']), fc.subarray([...GROUP_KEYS])),
  filter: fc.record({
    sources: fc.constant([]),
    hostnames: fc.constant([]),
    tags: fc.constantFrom<string[][]>([], [], [], [['a']], [['a', 'b'], ['c']], [['']]),
    paths: fc.constantFrom<string[]>([], [], ['/srv'], ['/etc', '/srv']),
  }),
});

type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

interface ResticGroup {
  readonly host: string;
  readonly paths: readonly string[] | null;
  readonly tags: readonly string[] | null;
  readonly keep: readonly { readonly id: string }[] | null;
  readonly remove: readonly { readonly id: string }[] | null;
  readonly reasons: readonly { readonly matches: readonly string[] }[] | null;
}

function groupsIn(printed: string): readonly ResticGroup[] {
  return (JSON.parse(printed.split('\n', 1)[0] || '[]') ?? []) as readonly ResticGroup[];
}

function refusalIn(error: Error): 'refused' {
  if (error.message.includes('refusing to delete last snapshot of snapshot group')) return 'refused';
  throw error;
}

const judged = restic.skip ?? `by restic ${restic.version}`;

it.skipIf(restic.skip !== undefined)(
  `keep what restic keeps, in the same groups and by the same rules (${judged})`,
  async () => {
    await using folder = await temporaryFolder();
    const seed = Number(process.env['STILLPOINT_SEED'] ?? Date.now() % 1_000_000_000);
    const histories = fc.sample(history, { numRuns: REPOSITORIES * HISTORIES, seed });
    const requests = fc.sample(request, { numRuns: REPOSITORIES * RULES, seed: seed + 1 });
    let compared = 0;
    let forgotten = 0;
    for (let repository = 0; repository < REPOSITORIES; repository++) {
      const place = join(folder.path, String(repository));
      const points = await save(place, histories.slice(repository * HISTORIES, (repository + 1) * HISTORIES));
      for (const { rules: keep, groupBy, filter } of requests.slice(repository * RULES, (repository + 1) * RULES)) {
        const args = [...argumentsOf(keep), '--group-by', groupBy.join(','), ...filterArguments(filter)];
        const chosen = points.filter((point) => fitsFilter(point, filter));
        const ours = applyKeepRules(chosen, keep, { groupBy, now: new Date(), setAside: new Set() });
        const theirs = await forgetByRestic(place, args).then(groupsIn, refusalIn);
        if (theirs === 'refused') {
          // Rules that keep nothing of a group are refused by both; see "refuses" in the tests of forget.
          expect(
            ours.some(({ decisions }) => decisions.every(({ keptBy }) => keptBy.length === 0)),
            `seed ${seed}, restic forget ${args.join(' ')}`,
          ).toBe(true);
          continue;
        }
        expect(lines(ours.map(describeOurs)), `seed ${seed}, restic forget ${args.join(' ')}`).toEqual(
          lines(theirs.map(describeTheirs)),
        );
        compared += HISTORIES;
        forgotten += ours.flatMap(({ decisions }) => decisions).filter(({ keptBy }) => keptBy.length === 0).length;
      }
    }
    // Histories that are refused are seen, and not compared.
    expect(compared).toBeGreaterThanOrEqual(400);
    // Rules that keep everything would agree whatever we did.
    expect(forgotten).toBeGreaterThan(20);
  },
);

/** Changes to and from summer time in the north, the south, and by half an hour. */
const CHANGES = [
  ['Europe/Berlin', '2026-03-29T01:00:00Z'],
  ['Europe/Berlin', '2025-10-26T01:00:00Z'],
  ['Pacific/Auckland', '2026-04-04T14:00:00Z'],
  ['Australia/Lord_Howe', '2025-10-04T15:30:00Z'],
  ['UTC', '2026-03-29T01:00:00Z'],
] as const;
const AROUND: readonly KeepRules[] = [{ within: '4d' }, { within: '3d24h' }, { withinHourly: '1m4d' }];

it.skipIf(restic.skip !== undefined).each(CHANGES)(
  `reckon back over a change of the clock as restic does, in %s at %s (${judged})`,
  async (zone, change) => {
    const before = process.env['TZ'];
    onTestFinished(() => {
      if (before === undefined) delete process.env['TZ'];
      else process.env['TZ'] = before;
    });
    process.env['TZ'] = zone;
    await using folder = await temporaryFolder();
    const offsetAt = (ns: bigint): number => -new Date(Number(ns / 1_000_000n)).getTimezoneOffset();
    const changeNs = BigInt(Date.parse(change)) * 1_000_000n;
    // The newest point lies days after the change, the others some hours around the same days before it.
    const histories = [2n, 4n].map((days): History => {
      const newest = changeNs + days * 1440n * MINUTE;
      const first = newest - 4n * 1440n * MINUTE - 200n * MINUTE;
      const times = [...Array.from({ length: 30 }, (_, step) => first + BigInt(step) * 15n * MINUTE), newest];
      const steps = times.map((time, index) => time - (times[index - 1] ?? first));
      const points = steps.map((step, index) => ({
        ...{ step: step * 1000n, tags: [], paths: ['/srv'] },
        offset: offsetAt(times[index] ?? 0n),
      }));
      return { start: first, scale: 1n, points };
    });
    const points = await save(folder.path, histories);
    for (const keep of AROUND) {
      const printed = await forgetByRestic(folder.path, argumentsOf(keep));
      const theirs = JSON.parse(printed.split('\n', 1)[0] ?? '') as readonly ResticGroup[];
      const ours = applyKeepRules(points, keep, { groupBy: ['host', 'paths'], now: new Date(), setAside: new Set() });
      expect(lines(ours.map(describeOurs)), JSON.stringify(keep)).toEqual(lines(theirs.map(describeTheirs)));
    }
  },
);

/** A group of which nothing is kept is an error to restic and to our plans; the rules are compared there too. */
function forgetByRestic(place: string, args: readonly string[]): Promise<string> {
  return resticOk(place, 'forget', '--dry-run', '--json', '--unsafe-allow-remove-all', ...args);
}

async function save(place: string, some: readonly History[]): Promise<RetentionPoint[]> {
  const backend = createMemoryBackend();
  await using repository = await createTestRepository(backend);
  const { tree } = await backUp(repository, { file: 'content' });
  const { points: first } = await repository.listRestorePoints(signal);
  for (const { id } of first) await repository.files.remove('snapshots', id, signal);
  await using lock = await repository.lock('shared', signal);
  const saved: Promise<RetentionPoint>[] = [];
  for (const [number, { start, scale, points }] of some.entries()) {
    let at = start;
    for (const { step, offset, tags, paths } of points) {
      at += (step * scale) / 1000n + 1n;
      // No two points of a repository at one instant: their order is chance with restic.
      const time = timestampFromNs((at / 1000n) * 1000n + BigInt(number), offset);
      const draft = { time, tree, paths, tags, hostname: `h${number}` };
      saved.push(repository.saveRestorePoint(draft, lock, signal).then(({ id }) => ({ ...draft, id })));
    }
  }
  const all = await Promise.all(saved);
  await writeOut(backend, place, signal);
  return all;
}

const FLAGS = {
  within: 'within',
  withinHourly: 'within-hourly',
  withinDaily: 'within-daily',
  withinWeekly: 'within-weekly',
  withinMonthly: 'within-monthly',
  withinYearly: 'within-yearly',
} as const;

function argumentsOf(keep: KeepRules): string[] {
  const counted = COUNTED_RULES.flatMap((rule) => {
    const wanted = keep[rule];
    return wanted === undefined ? [] : [`--keep-${rule}`, String(wanted)];
  });
  const within = (Object.keys(FLAGS) as (keyof typeof FLAGS)[]).flatMap((rule) => {
    const length = keep[rule];
    return length === undefined ? [] : [`--keep-${FLAGS[rule]}`, length];
  });
  return [...counted, ...within, ...(keep.tags ?? []).flatMap((list) => ['--keep-tag', list.join(',')])];
}

function filterArguments({ tags, paths }: PointFilter): string[] {
  return [...tags.flatMap((list) => ['--tag', list.join(',')]), ...paths.flatMap((path) => ['--path', path])];
}

type OurGroup = ReturnType<typeof applyKeepRules>[number];

function describeOurs({ host, paths, tags, decisions }: OurGroup): string {
  const head = JSON.stringify([host ?? '', paths ?? [], tags ?? []]);
  const kept = decisions.filter(({ keptBy }) => keptBy.length > 0);
  const removed = decisions.filter(({ keptBy }) => keptBy.length === 0);
  return [
    head,
    ...kept.map(({ point, keptBy }) => `  keep ${point.id} ${keptBy.join(' | ')}`),
    ...removed.map(({ point }) => `  remove ${point.id}`),
  ].join('\n');
}

function describeTheirs({ host, paths, tags, keep, remove, reasons }: ResticGroup): string {
  const words = (match: string): string =>
    match.replace(/ snapshot$/, '').replace(/^has tags \[(.*)\]$/, (_, list: string) => `tags ${list}`);
  return [
    JSON.stringify([host, paths ?? [], tags ?? []]),
    ...(keep ?? []).map(({ id }, index) => `  keep ${id} ${(reasons?.[index]?.matches ?? []).map(words).join(' | ')}`),
    ...(remove ?? []).map(({ id }) => `  remove ${id}`),
  ].join('\n');
}

const lines = (groups: readonly string[]): string[] => groups.toSorted();
