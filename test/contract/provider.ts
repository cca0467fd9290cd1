/**
 * What every provider must do. A new storage is done when its provider passes this, and not before.
 *
 * To join: write a `ProviderFixture` over a real host that has the storage, and call `providerContract('name', open)` in
 * a file of `storages/`. The suite asks the provider only through the ports of `shared/snapshot/`, and the host
 * only through what any host has; what else it needs, such as an impostor with one of our names, the fixture makes.
 */
import process from 'node:process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { toStillpointError } from '../../shared/base/errors.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { hostName, newRunId, ownerId, type RunId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import { inTurn } from '../../shared/pipeline/backup/turns.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import {
  lookForTraces,
  type ReapResult,
  releaseLease,
  renewLease,
  sweepHost,
} from '../../shared/snapshot/host/commands.ts';
import { acquireLease, type Lease } from '../../shared/snapshot/host/lease.ts';
import { observeSnapshots } from '../../shared/snapshot/mounting.ts';
import type { SnapshotProvider, TakenSnapshot } from '../../shared/snapshot/provider.ts';
import { createRegistry, type Registry } from '../../shared/snapshot/registry.ts';
import {
  judgeSet,
  mountSet,
  planSnapshots,
  type SnapshotPlan,
  type TakenSet,
  trySet,
} from '../../shared/snapshot/snapshot-set.ts';
import { surveyHost } from '../../shared/snapshot/survey.ts';
import { CuttingPrograms } from '../support/snapshot/cutting-programs.ts';
import { eventually } from '../support/snapshot/paper-lvm.ts';
import { takeSet } from '../support/snapshot/take-set.ts';

export interface ProviderFixture extends AsyncDisposable {
  readonly host: RemoteHost;
  /** Runs sh on the host as root; a failure is an error. */
  sh(script: string): Promise<string>;
  readonly provider: SnapshotProvider;
  /** Folders where volumes of this storage are seen; all lie in the first. Where a volume can be mounted nowhere, one is so. */
  readonly folders: readonly [outer: string, ...nested: string[]];
  /** Ids of all that has the form of a name of ours. */
  present(): Promise<readonly string[]>;
  /** Makes something with the name of a snapshot of ours that does not bear our marks; its id. */
  putImpostor(run: RunId): Promise<string>;
  /** Takes from a snapshot of ours a mark without which a sweep leaves it alone. */
  unmark(id: string): Promise<void>;
  /** Removes a snapshot past us. */
  remove(id: string): Promise<void>;
  /** Takes the room that the planned snapshots were to have, while `work` runs. */
  withoutRoom(work: () => Promise<void>): Promise<void>;
  /** Each command takes seconds there. */
  readonly isSlow?: boolean;
  /** What the lack of room is called. */
  readonly lackOfRoom: string;
}

/** Many calls of programs that only look are much alike. */
const isThorough = process.env['STILLPOINT_KILL'] === 'all';
const owner = ownerId('00112233aabb');
/** What a test of many runs may take where each command takes seconds. */
const SLOW_MS = 850_000;

const sorted = ({ removed, kept }: ReapResult): ReapResult => ({
  removed: removed.toSorted(),
  kept: kept.toSorted((a, b) => (a.object < b.object ? -1 : 1)),
});

/**
 * @param extent what another run of the suite over the same storage has already is left to that; `all` without one, and
 * with STILLPOINT_KILL=all
 */
export function providerContract(
  name: string,
  whyNot: string | undefined,
  open: () => Promise<ProviderFixture>,
  extent: 'all' | 'what is read' | 'killed while it is made' = 'all',
): void {
  describe(`${name} provider`, () => {
    let fixture: ProviderFixture;
    let registry: Registry;
    let run: RunId;
    let signal: AbortSignal;
    let cutting: CuttingPrograms;
    const failures: unknown[] = [];

    beforeAll(async () => {
      if (whyNot !== undefined) return;
      fixture = await open();
      registry = createRegistry([fixture.provider], []);
      cutting = new CuttingPrograms(fixture, Object.values(fixture.provider.programs).join(' ').split(' '));
    });
    afterAll(() => fixture?.[Symbol.asyncDispose]());
    beforeEach(({ skip }) => {
      skip(whyNot !== undefined, whyNot);
      signal = AbortSignal.timeout(fixture.isSlow === true ? SLOW_MS : 200_000);
      run = newRunId();
    });
    afterEach(async () => {
      if (fixture === undefined) return;
      const left = await fixture.sh('ls /run/stillpoint 2>/dev/null || :; grep /run/stillpoint /proc/mounts || :');
      const present = await fixture.present();
      // What one test left is no fault of the next.
      const runs = (await fixture.sh('ls /run/stillpoint 2>/dev/null || :')).split('\n').filter((name) => name !== '');
      await fixture.host.run(sweepHost(registry.scripts, owner, runs as RunId[]), never);
      expect({ left, present, failures: failures.splice(0) }).toEqual({ left: '', present: [], failures: [] });
    });

    const source = (paths: readonly string[]) => ({
      ...{ name: sourceName('s'), host: hostName('lab'), repository: repositoryName('main'), exclude: [] },
      paths: paths.map((path) => Buffer.from(path)),
    });
    const plan = async (of = run, folders: readonly string[] = [fixture.folders[0]]): Promise<SnapshotPlan> => {
      const survey = await surveyHost(fixture.host, { clock: systemClock, registry }, signal);
      const volumes = survey.volumes.filter(({ volume }) =>
        volume.mountpoints.some((place) => folders.includes(place)),
      );
      return planSnapshots(volumes, source(folders), { survey, registry, identity: { run: of, owner } });
    };
    const arm = (of = run, mounts = 1): Promise<Lease> =>
      acquireLease(
        { run: of, owner, leaseSeconds: 600, mounts, holds: 0 },
        {
          ...{ host: fixture.host, scripts: registry.scripts, clock: systemClock, logger: silentLogger },
          onReleaseFailed: (error) => failures.push(error),
        },
        signal,
      );
    const take = async (of = run): Promise<readonly TakenSnapshot[]> =>
      (await takeSet(await plan(of), registry, fixture.host, signal)).taken;
    const takeInTurn = async (planned: SnapshotPlan): Promise<TakenSet> => {
      const ports = { host: 'lab', waitSeconds: 120, clock: systemClock, emit: () => undefined };
      return (await inTurn(() => trySet(planned, registry, fixture.host, signal), ports, signal)).value;
    };
    const sweep = (dead: readonly RunId[] = [], by = registry): Promise<ReapResult> =>
      fixture.host.run(sweepHost(by.scripts, owner, dead), signal);
    const inside = (lines: string): Promise<string> =>
      fixture.sh(`read -r pid ns < /run/stillpoint/${run}/keeper; nsenter --mount=/proc/$pid/ns/mnt sh -c '${lines}'`);
    const codeOf = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'no error',
        (error: unknown) => toStillpointError(error).code,
      );

    test('finds its volumes, the nested ones too, each under a name of its own', async () => {
      const { items } = await plan(run, fixture.folders);
      expect(items.map(({ planned }) => planned.mountpoint)).toEqual([...fixture.folders]);
      expect(new Set(items.map(({ planned }) => planned.volumeId)).size).toBe(fixture.folders.length);
      expect(new Set(items.map(({ provider }) => provider))).toEqual(new Set([fixture.provider.kind]));
    });

    test('freezes an instant: what is written afterwards is not in it', async () => {
      const [folder] = fixture.folders;
      await fixture.sh(`echo before > ${folder}/contract`);
      await using lease = await arm();
      const taken = await take();
      await fixture.sh(`echo after > ${folder}/contract; echo new > ${folder}/contract-new`);
      const [readable] = await mountSet(taken, registry, fixture.host, lease, signal);
      const place = readable?.path;
      expect(
        await inside(`cat ${place}/contract; ls ${place}/contract-new 2>&1 || :; echo x > ${place}/x || echo no`),
      ).toMatch(/^before\n.*[Nn]o such file.*\nno\n?$/s);
      await judgeSet(readable ? [readable] : [], registry, fixture.host, lease, signal);
      expect((await lease.release()).removed).toEqual(taken.map(({ id }) => id));
      await fixture.sh(`rm ${folder}/contract ${folder}/contract-new`);
    });

    test('makes the snapshots of nested volumes in one script, and mounts each at its place', async () => {
      const { folders } = fixture;
      for (const folder of folders) await fixture.sh(`echo ${folder} > ${folder}/whose`);
      await using lease = await arm(run, folders.length);
      const { taken } = await takeSet(await plan(run, fixture.folders), registry, fixture.host, signal);
      const readable = await mountSet(taken, registry, fixture.host, lease, signal);
      const paths = readable.map(({ path }) => path);
      expect((await inside(`cat ${paths.map((path) => `${path}/whose`).join(' ')}`)).trim()).toBe(folders.join('\n'));
      // What is in a nested one is in no other.
      for (const nested of folders.slice(1)) {
        const within = nested.slice(folders[0].length);
        expect((await inside(`ls -A ${paths[0]}${within}`)).trim()).toBe('');
      }
      await judgeSet(readable, registry, fixture.host, lease, signal);
      expect((await lease.release()).removed.toSorted()).toEqual(taken.map(({ id }) => id).toSorted());
      for (const folder of folders) await fixture.sh(`rm ${folder}/whose`);
    });

    if (extent === 'what is read' && !isThorough) return;

    test('says what it will do: the ids that it plans are the ids that it makes', async () => {
      await using lease = await arm();
      const planned = await plan();
      const { taken } = await takeSet(planned, registry, fixture.host, signal);
      expect(await fixture.present()).toEqual(taken.map(({ id }) => id));
      expect(planned.items[0]?.lines.remove).toContain(taken[0]?.planned.snapshot);
      await lease.release();
    });

    test('calls a lack of room by its name, and leaves nothing of it', async () => {
      await using lease = await arm();
      const planned = await plan();
      await fixture.withoutRoom(async () => {
        expect(await codeOf(takeSet(planned, registry, fixture.host, signal))).toBe(fixture.lackOfRoom);
      });
      expect((await lease.release()).kept).toEqual([]);
    });

    test('is not believed where its snapshot is gone before the last read', async () => {
      await using lease = await arm();
      const taken = await take();
      await fixture.remove(taken[0]?.id ?? '').catch(() => undefined);
      // One that is mounted cannot be removed everywhere; then it is not mounted yet.
      const mounted = await mountSet(taken, registry, fixture.host, lease, signal).catch(() => undefined);
      const judged = mounted && (await codeOf(judgeSet(mounted, registry, fixture.host, lease, signal)));
      expect(judged ?? 'not mounted').toMatch(/^(snapshot\.(identity-changed|full|lease-lost)|not mounted)$/);
      await eventually(async () => {
        const state = await fixture.host.run(renewLease(run, 600), signal);
        return [...state.full, ...state.gone].includes(taken[0]?.id ?? '');
      }, 'the guard has seen that it is gone');
      expect((await lease.release()).kept).toEqual([]);
    });

    test('does everything twice without harm', async () => {
      await using lease = await arm();
      const [made] = await take();
      expect((await lease.release()).removed).toEqual([made?.id]);
      expect(await fixture.host.run(releaseLease(registry.scripts, run, owner), signal)).toEqual({
        removed: [],
        kept: [],
      });
      expect(await sweep()).toEqual({ removed: [], kept: [] });
      expect(await sweep([run])).toEqual({ removed: [], kept: [] });
    });

    test('serves two runs at once, one after the other in the section, though both planned with the same room', async () => {
      for (let round = 0; round < (fixture.isSlow === true ? 2 : 20); round += 1) {
        const runs = [newRunId(), newRunId()];
        const leases = await Promise.all(runs.map((each) => arm(each)));
        const plans = await Promise.all(runs.map((each) => plan(each)));
        // Whoever has a folder of this name is alone in making a snapshot.
        const alone = 'mkdir /run/both && sleep 0.1; rmdir /run/both || exit 97';
        const sets = await Promise.all(
          plans.map((each) =>
            takeInTurn({
              ...each,
              items: each.items.map((item) => ({
                ...item,
                create: { ...item.create, script: `${item.create.script}\n{ ${alone}; } >&2` },
              })),
            }),
          ),
        );
        const ids = sets.flatMap(({ taken }) => taken.map(({ id }) => id));
        expect(ids.length).toBeGreaterThan(1);
        expect((await fixture.present()).toSorted()).toEqual(ids.toSorted());
        const released = await Promise.all(leases.map((lease) => lease.release()));
        expect(released.flatMap(({ removed }) => removed).toSorted()).toEqual(ids.toSorted());
      }
    });

    test('is released, and swept, beside the section of another run, and neither is in the way of the other', async () => {
      for (let round = 0; round < (fixture.isSlow === true ? 2 : 10); round += 1) {
        const [released, abandoned, made] = [newRunId(), newRunId(), newRunId()] as const;
        const lease = await arm(released);
        await arm(abandoned);
        const ids = [await take(released), await take(abandoned)].flat().map(({ id }) => id);
        await using other = await arm(made);
        const planned = await plan(made);
        const [gone, swept, { taken }] = await Promise.all([lease.release(), sweep([abandoned]), takeInTurn(planned)]);
        // A sweep meets also what is just being released; whoever comes second has nothing to tell.
        const removed = new Set([...gone.removed, ...swept.removed]);
        expect(ids.filter((id) => !removed.has(id))).toEqual([]);
        expect(await fixture.present()).toEqual(taken.map(({ id }) => id));
        const readable = await mountSet(taken, registry, fixture.host, other, signal);
        await judgeSet(readable, registry, fixture.host, other, signal);
      }
    });

    test('leaves alone what has a name of ours and not our marks, and says so', async () => {
      const lease = await arm();
      const [made] = await take();
      const own = await fixture.putImpostor(run);
      const orphan = await fixture.putImpostor(newRunId());
      const released = await lease.release();
      expect(released).toEqual({ removed: [made?.id], kept: [{ object: own, reason: 'it does not bear our mark' }] });
      // Neither its name nor the death of the run makes it ours.
      expect((await sweep([run])).kept.map(({ object }) => object).toSorted()).toEqual([own, orphan].toSorted());
      expect((await fixture.present()).toSorted()).toEqual([own, orphan].toSorted());
      for (const id of [own, orphan]) await fixture.remove(id);
    });

    test('says beforehand what a sweep does, and does nothing then', async () => {
      const [stands, vanished, unmarked, alone] = [newRunId(), newRunId(), newRunId(), newRunId()] as const;
      const ids = new Map<RunId, string>();
      for (const each of [stands, vanished, unmarked, alone]) {
        await arm(each);
        ids.set(each, (await take(each))[0]?.id ?? '');
      }
      const idOf = (of: RunId): string => ids.get(of) ?? '';
      await fixture.remove(idOf(vanished));
      await fixture.unmark(idOf(unmarked));
      // Planned, and never made
      const never = idOf(stands).replace(/.{8}$/, '0000beef');
      await fixture.sh(`echo '${fixture.provider.onHost.kind} ${never}' >> /run/stillpoint/${stands}/planned`);
      await fixture.sh(
        `cd /run/stillpoint/${alone}; read -r keeper ns < keeper; kill -KILL "$(cat watch)" "$keeper"; cd /; rm -rf /run/stillpoint/${alone}`,
      );
      const impostors = [await fixture.putImpostor(stands), await fixture.putImpostor(newRunId())];
      for (const dead of [[], [stands, vanished, unmarked]]) {
        const before = await fixture.present();
        const foreseen = await fixture.host.run(lookForTraces(registry.scripts, owner, dead), signal);
        expect(await fixture.present()).toEqual(before);
        expect(sorted(foreseen)).toEqual(sorted(await sweep(dead)));
        expect(foreseen.removed).toContain(idOf(dead.length === 0 ? alone : stands));
      }
      expect((await fixture.present()).toSorted()).toEqual([idOf(unmarked), ...impostors].toSorted());
      for (const id of [idOf(unmarked), ...impostors]) await fixture.remove(id);
    });

    test('is swept after a restart that took processes and /run', async () => {
      await arm();
      const [made] = await take();
      await fixture.sh(
        `cd /run/stillpoint/${run}; read -r keeper ns < keeper; kill -KILL "$(cat watch)" "$keeper"; rm -rf /run/stillpoint`,
      );
      expect(await sweep()).toEqual({ removed: [made?.id], kept: [] });
    });

    test('is removed by its own watchman, whom a sweep that knows no such storage asks', async () => {
      await arm();
      const [made] = await take();
      const strange = createRegistry([], []);
      expect(await sweep([], strange)).toMatchObject({ removed: [], kept: [{ reason: 'a run is using it now' }] });
      expect(await sweep([run], strange)).toEqual({ removed: [made?.id, `/run/stillpoint/${run}`], kept: [] });
    });

    test('is removed by its own watchman, where a later version has another layout', async () => {
      await arm();
      const [made] = await take();
      await fixture.sh(`echo 999 > /run/stillpoint/${run}/format`);
      expect(await sweep([run])).toEqual({ removed: [made?.id, `/run/stillpoint/${run}`], kept: [] });
    });

    describe('killed before and after every call of a program', () => {
      const steps = (['take', 'mount', 'observe', 'release'] as const).filter(
        (step) => extent === 'all' || isThorough || step === 'take',
      );
      test.each(steps)(
        'in "%s", leaves nothing that a sweep does not find',
        async (step) => {
          const prepare = async (): Promise<() => Promise<unknown>> => {
            run = newRunId();
            const lease = await arm();
            const planned = await plan();
            if (step === 'take') return () => takeSet(planned, registry, fixture.host, signal);
            const { taken } = await takeSet(planned, registry, fixture.host, signal);
            if (step === 'mount') return () => mountSet(taken, registry, fixture.host, lease, signal);
            if (step === 'release') return () => lease.release();
            await mountSet(taken, registry, fixture.host, lease, signal);
            return () => fixture.host.run(observeSnapshots(run, taken, registry.scripts), signal);
          };
          const calls = await cutting.count(await prepare());
          await sweep([run]);
          expect(calls).toBeGreaterThan(0);
          const all = Array.from({ length: calls }, (_, index) => index + 1);
          const few = step === 'release' ? [1, calls] : [1];
          const chosen = isThorough || step === 'take' ? all : all.filter((call) => few.includes(call));
          if (chosen.length < calls)
            process.stderr.write(
              `${name}, "${step}": ${chosen.length} of ${calls} calls are cut; STILLPOINT_KILL=all cuts all.\n`,
            );
          for (const call of chosen) {
            for (const when of ['before', 'after'] as const) {
              const work = await prepare();
              await cutting.cut({ call, when }, () => work().catch(() => undefined));
              const swept = await sweep([run]);
              expect({ call, when, kept: swept.kept, present: await fixture.present() }).toEqual({
                ...{ call, when, kept: [], present: [] },
              });
              expect(await sweep([run])).toEqual({ removed: [], kept: [] });
            }
          }
        },
        SLOW_MS,
      );
    });
  });
}
