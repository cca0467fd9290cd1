/**
 * One project for each kind of test. `test/unit` runs its files side by side; the heavy kinds, which start guests,
 * servers and whole backups, run one file after the other, so that their time limits mean something on a small machine.
 * Whole programs, storages and kill tests wait for their guests, and the watchman's tests for leases, so two or three of them share a
 * processor; emulated machines have one each, and limits that leave room for that. `.ci/test.ts` has as many groups beside
 * each other as it has places for their files.
 */
const MINUTE = 60_000;

interface Limits {
  readonly test: number;
  readonly hook: number;
  readonly workers: number;
  readonly setup?: string;
  /** All files of a worker share its modules: nothing of them may be left changed. */
  readonly sharesModules?: true;
}

function project(name: string, include: string[], limits: Limits) {
  return {
    test: {
      name,
      include,
      testTimeout: limits.test,
      hookTimeout: limits.hook,
      maxWorkers: limits.workers,
      globalSetup: limits.setup ?? [],
      pool: 'forks' as const,
      isolate: limits.sharesModules !== true,
      // What is waited for comes late on a busy machine; one second is vitest's own.
      expect: { poll: { timeout: 20_000 } },
    },
  };
}

const light = { test: MINUTE, hook: MINUTE, workers: 2 };
const heavy = { test: 4 * MINUTE, hook: 5 * MINUTE, workers: 1 };

/** Builds the programs for tests that start them as users do. */
const PROGRAMS = './test/support/programs.ts';

export const PROJECTS = [
  project('house', ['test/*.test.ts'], { ...light, workers: 1 }),
  project('unit', ['test/unit/**/*.test.ts'], { ...light, sharesModules: true }),
  project('storages', ['test/contract/storages/*.test.ts'], { ...heavy, workers: 2 }),
  project('contract', ['test/contract/*.test.ts'], { test: MINUTE, hook: 5 * MINUTE, workers: 1 }),
  project('mcp', ['test/mcp/**/*.test.ts'], { test: MINUTE, hook: 5 * MINUTE, workers: 1, setup: PROGRAMS }),
  project('interop', ['test/interop/**/*.test.ts'], heavy),
  project('watchman', ['test/faults/watchman/*.test.ts'], { ...heavy, workers: 3 }),
  project('kill', ['test/faults/kill/*.test.ts'], { ...heavy, workers: 2 }),
  project('faults', ['test/faults/*.test.ts'], heavy),
  project('e2e', ['test/e2e/**/*.test.ts'], { ...heavy, workers: 3, setup: PROGRAMS }),
  project('endless', ['test/endless/**/*.test.ts'], { test: 15 * MINUTE, hook: 15 * MINUTE, workers: 1 }),
  project('canary', ['test/canary/*.test.ts'], { ...heavy, setup: PROGRAMS }),
  project('ceph', ['test/ceph/**/*.test.ts'], heavy),
  project('zfs', ['test/zfs/*.test.ts'], { test: 15 * MINUTE, hook: 15 * MINUTE, workers: 2 }),
  project('editor', ['test/editor/**/*.test.ts'], heavy),
];
