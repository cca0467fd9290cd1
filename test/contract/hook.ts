/**
 * What every hook must do. A new application is done when its hook passes this, and not before.
 *
 * To join: write a `HookFixture` over a real application, and call `hookContract('name', whyNot, open)` in a file of
 * `storages/`. The storage under it is the trivial one of the tests: what a hook does must not depend on how snapshots are made.
 */
import process from 'node:process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { toStillpointError } from '../../shared/base/errors.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { judgeConsistency } from '../../shared/domain/consistency.ts';
import { hostName, newRunId, ownerId, type RunId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import { evidenceOf } from '../../shared/pipeline/backup/snapshot-report.ts';
import type { Hook, PlannedHold } from '../../shared/quiesce/hook.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { sweepHost } from '../../shared/snapshot/host/commands.ts';
import { acquireLease, type Lease } from '../../shared/snapshot/host/lease.ts';
import { createRegistry, type Registry } from '../../shared/snapshot/registry.ts';
import { endSet, planSnapshots, type SnapshotPlan } from '../../shared/snapshot/snapshot-set.ts';
import { surveyHost } from '../../shared/snapshot/survey.ts';
import { CuttingPrograms } from '../support/snapshot/cutting-programs.ts';
import { folderCopy } from '../support/snapshot/folder-copy.ts';
import { eventually } from '../support/snapshot/paper-lvm.ts';
import { takeSet } from '../support/snapshot/take-set.ts';
import { twoClients } from './two-clients.ts';

export interface HookFixture extends AsyncDisposable {
  readonly host: RemoteHost;
  /** Runs sh on the host as root; a failure is an error. */
  sh(script: string): Promise<string>;
  /** Holding one application, with this deadline. */
  hook(terms: Pick<PlannedHold, 'holds' | 'deadlineSeconds'>): Hook;
  /** Whether the application stands still, as one of its users sees it. */
  isHeld(): Promise<boolean>;
  /** sh that tells, on the host, whether it stands still: exit code 0. */
  readonly isHeldScript: string;
  /** sh that lets the application go past us, as an administrator does who is in a hurry. */
  readonly letGoScript: string;
  /** sh for what else may happen on the host in between after which nothing may be claimed; nothing unless said. */
  readonly spoiledBy?: readonly string[];
  /** Makes every freeze fail, while `work` runs. */
  withoutFreezing(work: () => Promise<void>): Promise<void>;
  /** How many times longer than on a fast machine a freeze and a thaw take there; 1 unless said. */
  readonly slowness?: number;
  /** What a proof of it puts on record; nothing unless said. */
  readonly record?: unknown;
  /** What else the evidence says of it; nothing unless said. */
  readonly evidence?: object;
  /**
   * Of one whose copy has all that was answered before: in turn, sh that writes and is answered, and sh that starts the copy
   * and prints "all of it" where it has that. `copy` is sh that copies its files.
   */
  readonly answered?: {
    readonly copy: string;
    readonly cases: readonly { readonly write: string; readonly judge: string }[];
  };
  /** A folder that the trivial storage claims. */
  readonly folder: string;
}

const owner = ownerId('00112233aabb');
const isThorough = process.env['STILLPOINT_KILL'] === 'all';
const NOT_DUE = 'each kill is done with another fixture of this hook; STILLPOINT_KILL=all does it with this one, too';
/** In a part of it: the part, the section that runs it, and the shell around that. */
const KILL_SECTION =
  'read -r own name state section rest < /proc/self/stat; kill -KILL $$ "$section"; kill -KILL "$own"';
const section = { holds: 'until-snapshots', deadlineSeconds: 20 } as const;

/** What a restore point of one volume is called under a hold. */
const claimOf = (hold: PlannedHold | undefined): string =>
  ({ still: 'crash', recovers: 'application', nothing: 'crash', cold: 'cold', application: 'application' })[
    hold?.guarantees ?? 'nothing'
  ];

/** @param kills whether each program is killed also in a usual run; it is with another fixture of the same hook otherwise */
export function hookContract(
  name: string,
  whyNot: string | undefined,
  open: () => Promise<HookFixture>,
  kills: 'each program' | 'each program in a thorough run' = 'each program',
): void {
  describe(`${name} hook`, () => {
    let fixture: HookFixture;
    let run: RunId;
    let signal: AbortSignal;
    const failures: unknown[] = [];

    beforeAll(async () => {
      if (whyNot === undefined) fixture = await open();
    });
    afterAll(() => fixture?.[Symbol.asyncDispose]());
    beforeEach(({ skip }) => {
      skip(whyNot !== undefined, whyNot);
      signal = AbortSignal.timeout(110_000 * slowness());
      run = newRunId();
    });
    afterEach(async () => {
      if (fixture === undefined) return;
      const left = await fixture.sh('ls /run/stillpoint 2>/dev/null || :');
      const isHeld = await fixture.isHeld();
      // What one test left is no fault of the next.
      if (left !== '')
        await fixture.host.run(
          sweepHost(createRegistry([folderCopy], [fixture.hook(section)]).scripts, owner, left.split('\n') as RunId[]),
          never,
        );
      if (isHeld) await fixture.sh(fixture.letGoScript);
      expect({ left, isHeld, failures: failures.splice(0) }).toEqual({ left: '', isHeld: false, failures: [] });
    });

    const slowness = (): number => fixture.slowness ?? 1;
    /** A deadline that passes in a test. */
    const soon = () => ({ holds: 'until-snapshots' as const, deadlineSeconds: 2 * slowness() });
    const pastIt = (): string => `sleep ${2 * slowness() + 3}`;

    const source = () => ({
      ...{ name: sourceName('s'), host: hostName('lab'), repository: repositoryName('main'), exclude: [] },
      paths: [Buffer.from(fixture.folder)],
    });
    interface Begun {
      readonly registry: Registry;
      readonly plan: SnapshotPlan;
      readonly lease: Lease;
    }
    /** @param during sh that runs on the host in the middle of the section, between the freeze and the proof */
    const begin = async (terms: Parameters<HookFixture['hook']>[0], during = ':'): Promise<Begun> => {
      const registry = createRegistry([folderCopy], [fixture.hook(terms)]);
      const survey = await surveyHost(fixture.host, { clock: systemClock, registry }, signal);
      const volumes = survey.volumes.filter(({ volume }) => volume.mountpoints.includes(fixture.folder));
      const plan = planSnapshots(volumes, source(), { survey, registry, identity: { run, owner } });
      const ports = {
        ...{ host: fixture.host, scripts: registry.scripts, clock: systemClock, logger: silentLogger },
        onReleaseFailed: (error: unknown) => failures.push(error),
      };
      const lease = await acquireLease({ run, owner, leaseSeconds: 600, mounts: 1, holds: 1 }, ports, signal);
      const items = plan.items.map((item) => ({
        ...item,
        create: { ...item.create, script: `${item.create.script}\n{ ${during}; } >&2` },
      }));
      return { registry, plan: { ...plan, items }, lease };
    };
    const verdict = async ({ registry, plan }: Begun) => {
      const { taken, held } = await takeSet(plan, registry, fixture.host, signal);
      const between = await fixture.isHeld();
      const spans = await endSet(plan, held, registry, fixture.host, signal);
      const evidence = evidenceOf(taken, plan.holds, spans);
      return { between, evidence, ...judgeConsistency(evidence) };
    };
    const codeOf = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'no error',
        (error: unknown) => toStillpointError(error).code,
      );

    test('holds while the snapshots are made, proves it, and lets go', async () => {
      const begun = await begin(section, fixture.isHeldScript);
      const [hold] = begun.plan.holds;
      const { between, evidence, consistency } = await verdict(begun);
      expect({ between, consistency }).toEqual({ between: false, consistency: claimOf(hold) });
      expect(evidence.holds).toEqual([
        {
          ...{ what: hold?.label, guarantees: hold?.guarantees },
          ...fixture.evidence,
          ...{ fromUptime: expect.any(Number) as unknown, provedUptime: expect.any(Number) as unknown },
          untilUptime: expect.any(Number) as unknown,
          ...(fixture.record === undefined ? {} : { record: fixture.record }),
        },
      ]);
      await begun.lease.release();
    });

    test('has written out all that it had answered before', async ({ skip }) => {
      const { answered } = fixture;
      skip(answered === undefined, 'it promises a state that is as of a crash');
      for (const { write, judge } of answered?.cases ?? []) {
        run = newRunId();
        const begun = await begin(section, answered?.copy);
        await fixture.sh(write);
        await verdict(begun);
        await begun.lease.release();
        expect(await fixture.sh(judge)).toBe('all of it');
      }
    });

    test('holds until the last read where that is wanted', async () => {
      const begun = await begin({ holds: 'until-read', deadlineSeconds: 20 });
      const { between, consistency } = await verdict(begun);
      expect({ between, consistency }).toEqual({ between: true, consistency: claimOf(begun.plan.holds[0]) });
      expect(await fixture.isHeld()).toBe(false);
      await begun.lease.release();
    });

    test('claims nothing where somebody let go in between', async () => {
      for (const happens of [fixture.letGoScript, ...(fixture.spoiledBy ?? [])]) {
        run = newRunId();
        const begun = await begin(section, happens);
        const { evidence, consistency } = await verdict(begun);
        expect({ happens, consistency }).toEqual({ happens, consistency: 'crash' });
        expect(evidence.holds[0]).not.toHaveProperty('provedUptime');
        await begun.lease.release();
      }
    });

    test('makes no snapshot where the application does not hold still', async () => {
      const begun = await begin(section);
      await fixture.withoutFreezing(async () => {
        expect(await codeOf(verdict(begun))).toBe('quiesce.freeze-failed');
      });
      expect((await begun.lease.release()).removed).toEqual([]);
    });

    test('lets go where a snapshot fails', async () => {
      const begun = await begin(section, `${fixture.isHeldScript} || exit 99; exit 98`);
      await expect(verdict(begun)).rejects.toMatchObject({ details: { exitCode: 98 } });
      expect(await fixture.isHeld()).toBe(false);
      await begun.lease.release();
    });

    test('is let go by the watchman in time, where the section hangs, and then claims nothing', async () => {
      const begun = await begin(soon(), `${pastIt()}; ! { ${fixture.isHeldScript}; }`);
      expect((await verdict(begun)).consistency).toBe('crash');
      await begun.lease.release();
    });

    test('is let go by the section also where a slow freeze ended after the watchman had let go', async () => {
      const begun = await begin(soon());
      const holds = begun.plan.holds.map((hold) => ({
        ...hold,
        freeze: { ...hold.freeze, script: `${pastIt()}\n${hold.freeze.script}` },
      }));
      expect((await verdict({ ...begun, plan: { ...begun.plan, holds } })).between).toBe(false);
      await begun.lease.release();
    });

    test('is let go also where that was done while the freeze was still going on, and found nothing to do', async () => {
      const begun = await begin(section);
      const holds = begun.plan.holds.map((hold) => ({
        ...hold,
        freeze: {
          ...hold.freeze,
          script: `( until [ -e "$dir/frozen.new" ]; do ( sp_let_go ${hold.kind} ${hold.id} "$run" ) >/dev/null 2>&1 </dev/null; done ) &
( ${hold.freeze.script}
)
code=$?
: > "$dir/frozen.new"
wait
exit "$code"`,
        },
      }));
      // It may fail, and it may have been held after all.
      await verdict({ ...begun, plan: { ...begun.plan, holds } }).catch(() => undefined);
      expect(await fixture.isHeld()).toBe(false);
      await begun.lease.release();
    });

    test('is let go where the section is killed', async () => {
      const begun = await begin(soon(), KILL_SECTION);
      expect(await codeOf(verdict(begun))).not.toBe('no error');
      expect(await fixture.isHeld()).toBe(true);
      await eventually(async () => !(await fixture.isHeld()), 'the application is let go');
      await begun.lease.release();
    });

    test('is let go where section and watchman are killed', async () => {
      const watchman = `kill -KILL "$(cat /run/stillpoint/${run}/watch)"; pkill -KILL -f "watch.sh watch ${run}"`;
      const begun = await begin(soon(), `${watchman}; ${KILL_SECTION}`);
      expect(await codeOf(verdict(begun))).not.toBe('no error');
      expect(await fixture.isHeld()).toBe(true);
      await eventually(async () => !(await fixture.isHeld()), 'the application is let go');
      await fixture.host.run(sweepHost(begun.registry.scripts, owner, [run]), signal);
      await begun.lease.release();
    });

    test('is let go by a release and by a sweep, whatever was done before', async () => {
      const begun = await begin({ holds: 'until-read', deadlineSeconds: 20 });
      await takeSet(begun.plan, begun.registry, fixture.host, signal);
      expect(await fixture.isHeld()).toBe(true);
      await begun.lease.release();
      expect(await fixture.isHeld()).toBe(false);
      run = newRunId();
      const again = await begin({ holds: 'until-read', deadlineSeconds: 20 });
      await takeSet(again.plan, again.registry, fixture.host, signal);
      // A sweep that knows no such hook asks the run's own watchman.
      await fixture.host.run(sweepHost(createRegistry([folderCopy], []).scripts, owner, [run]), signal);
      expect(await fixture.isHeld()).toBe(false);
      await again.lease.release();
    });

    twoClients(() => ({ fixture, signal, failures, claimOf, killSection: KILL_SECTION }));

    test('is let go after every kill of a program that it calls', async ({ skip }) => {
      skip(kills !== 'each program' && !isThorough, NOT_DUE);
      const registry = createRegistry([folderCopy], [fixture.hook(section)]);
      const programs = registry.hooks.flatMap((hook) => Object.values(hook.programs).join(' ').split(' '));
      const cutting = new CuttingPrograms(fixture, programs);
      const prepare = async (): Promise<Begun> => {
        run = newRunId();
        return await begin(soon());
      };
      const first = await prepare();
      const calls = await cutting.count(() => verdict(first));
      await first.lease.release();
      expect(calls).toBeGreaterThan(0);
      let cuts = 0;
      for (let call = 1; call <= calls; call += 1) {
        for (const when of ['before', 'after'] as const) {
          // A slow machine lets go at the deadline, and then calls less; how often it looks whether something is so varies anyway.
          let uncut: number | undefined = 0;
          for (let tries = 0; uncut !== undefined && tries < 3; tries += 1) {
            const begun = await prepare();
            uncut = await cutting.callsUncut({ call, when }, () => verdict(begun).catch(() => undefined));
            await eventually(async () => !(await fixture.isHeld()), 'the application is let go');
            await begun.lease.release();
          }
          expect(uncut ?? 0, `calls without the cut ${when} call ${call} of ${calls}`).toBeLessThan(call);
          if (uncut === undefined) cuts += 1;
        }
      }
      // Of each call two; what varies are the last few.
      expect(cuts).toBeGreaterThan(calls);
    });
  });
}
