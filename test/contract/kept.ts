/**
 * What every storage must do with snapshots that are kept on purpose. Like `provider.ts`, it knows a storage by its fixture
 * alone.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { StillpointError, toStillpointError } from '../../shared/base/errors.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import type { KeptSet } from '../../shared/domain/kept.ts';
import { hostName, ownerId } from '../../shared/domain/names.ts';
import type { KeepJobRequest, KeepReport } from '../../shared/domain/verbs/keep.ts';
import { compareKept } from '../../shared/pipeline/kept/compare.ts';
import { drop, planDrop } from '../../shared/pipeline/kept/drop.ts';
import { keep } from '../../shared/pipeline/kept/keep.ts';
import { listKept } from '../../shared/pipeline/kept/listing.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { sweepHost } from '../../shared/snapshot/host/commands.ts';
import { createRegistry, type Registry } from '../../shared/snapshot/registry.ts';
import { surveyHost } from '../../shared/snapshot/survey.ts';
import { noRuns } from '../support/pipeline/no-runs.ts';
import type { ProviderFixture } from './provider.ts';

export interface KeptFixture extends ProviderFixture {
  /** Paths or names of all that is kept there, by the host's own programs. */
  kept(): Promise<readonly string[]>;
  /** Makes something with the name of a kept one, of the set "0badbeef", that does not bear our marks. */
  putKeptImpostor(): Promise<void>;
  removeKeptImpostor(): Promise<void>;
}

const owner = ownerId('00112233aabb');
const other = ownerId('ffeeddccbbaa');
const name = hostName('lab');
/** The shell that runs the script, which is not the one that its "$$" names. */
const KILL = `kill -KILL "$(exec sh -c 'echo $PPID')"`;

const REASON = `vor dem Upgrade — ünïcode "quoted" $(x) 'y' \\ &lt;\nzweite Zeile\t${'ä'.repeat(400)}`;

export function keptContract(title: string, whyNot: string | undefined, open: () => Promise<KeptFixture>): void {
  describe(`${title}: kept snapshots`, () => {
    let fixture: KeptFixture;
    let registry: Registry;
    let signal: AbortSignal;

    beforeAll(async () => {
      if (whyNot !== undefined) return;
      fixture = await open();
      registry = createRegistry([fixture.provider], []);
    });
    afterAll(() => fixture?.[Symbol.asyncDispose]());
    beforeEach(({ skip }) => {
      skip(whyNot !== undefined, whyNot);
      signal = AbortSignal.timeout(fixture.isSlow === true ? 600_000 : 120_000);
    });

    // A test that failed halfway leaves nothing to the next one, which would fail of it.
    afterEach(async () => {
      if (whyNot !== undefined) return;
      const left = await sets();
      if (left.length > 0) await dropIt({ by: 'ids', ids: left.map(({ id }) => id) });
    });

    const asItIs: RemoteHost['run'] = (command, one) => fixture.host.run(command, one);
    const borrowed = (run = asItIs): RemoteHost => ({
      name: fixture.host.name,
      run,
      stream: (command, input, one) => fixture.host.stream(command, input, one),
      [Symbol.asyncDispose]: async () => undefined,
    });
    const base = () => ({ registry, clock: systemClock, owner });
    const sets = async (): Promise<readonly KeptSet[]> =>
      (await listKept(name, { ...base(), host: fixture.host }, signal)).sets;
    const keepIt = (
      more: Partial<KeepJobRequest> = {},
      options: { readonly host?: RemoteHost; readonly emit?: (event: RunEventBody) => void } = {},
    ): Promise<KeepReport> => {
      const host = { name, ssh: 'lab', sshConfigFile: undefined, sudo: 'none', leaseSeconds: 600 } as const;
      return keep(
        {
          ...{ paths: [fixture.folders[0]], reason: '', lifetimeSeconds: 3600, source: undefined, ...more },
          host: { ...host, maxClockSkewSeconds: 86_400 },
          source: undefined,
        },
        {
          ...{ ...base(), runs: noRuns(), logger: silentLogger, emit: options.emit ?? (() => undefined) },
          openHost: async () => options.host ?? borrowed(),
        },
        signal,
      );
    };
    const ports = () => ({ ...base(), openHost: async () => borrowed(), emit: () => undefined });
    const dropIt = async (choice: Parameters<typeof planDrop>[1], by = owner) => {
      const plan = await planDrop(name, choice, { ...base(), owner: by, host: fixture.host }, signal);
      return drop({ host: name, choice, plan: plan.id }, { ...ports(), owner: by }, signal);
    };

    const compare = async (before: string, after?: string) => {
      const changes: string[] = [];
      const summary = await compareKept(
        { host: name, before, ...(after === undefined ? {} : { after }) },
        { ...base(), host: fixture.host },
        async ({ change, path }) => void changes.push(`${change} ${path}`),
        signal,
      );
      expect(summary).toMatchObject({ notCompared: [], unlisted: [] });
      return changes;
    };
    const lastFolder = (): string => fixture.folders.at(-1) ?? '';

    test('stays beside sweeps and surveys, says by itself what it is, and goes when a person wants it', async () => {
      const volumesOf = async () =>
        (await surveyHost(fixture.host, { clock: systemClock, registry }, signal)).volumes.map(
          ({ volume }) => volume.id,
        );
      const volumes = await volumesOf();
      const report = await keepIt({
        ...{ paths: [lastFolder()], reason: REASON, pair: { id: 'aaaa0001' as never, side: 'before' } },
      });
      const id = report.snapshots[0]?.id;
      const [set, ...more] = await sets();
      expect(more).toEqual([]);
      expect(set).toMatchObject({ id: report.set, missing: 0, isOwn: true, isExpired: false });
      expect(set?.about).toMatchObject({ owner, reason: REASON, pair: { id: 'aaaa0001', side: 'before' } });
      expect((set?.about?.expires ?? 0) - (set?.about?.taken ?? 0)).toBe(3600);
      expect(set?.snapshots).toMatchObject([{ state: 'whole', id }]);

      await fixture.sh(`echo new > ${lastFolder()}/came; sync`);
      expect(await compare(report.set)).toEqual([`added ${lastFolder()}/came`]);
      await fixture.sh(`rm ${lastFolder()}/came`);

      // For the machinery of short-lived ones it is not there.
      expect(await volumesOf()).toEqual(volumes);
      expect(await fixture.present()).toEqual([]);
      expect(await fixture.sh('ls /run/stillpoint 2>/dev/null || :')).toBe('');
      const before = await fixture.kept();
      const swept = await fixture.host.run(sweepHost(registry.scripts, owner, [report.set as never]), signal);
      expect(swept).toEqual({ removed: [], kept: [] });
      expect(await fixture.kept()).toEqual(before);

      expect(await dropIt({ by: 'ids', ids: [report.set] })).toMatchObject({ removed: [id], left: [] });
      expect(await fixture.kept()).toEqual([]);
    });

    test('goes when its time is over and somebody says so, and none of another owner, and none that lasts', async ({
      skip,
    }) => {
      skip(fixture.isSlow === true, 'it is the same for every storage');
      const lasting = await keepIt({ paths: [lastFolder()] });
      const short = await keepIt({ paths: [lastFolder()], lifetimeSeconds: 1 });
      await systemClock.sleep(1_100, signal);
      expect((await sets()).filter(({ isExpired }) => isExpired).map(({ id }) => id)).toEqual([short.set]);
      expect(await compare(lasting.set, short.set)).toEqual([]);
      const choice = { by: 'ids', ids: [short.set] } as const;
      const plan = await planDrop(name, choice, { ...base(), host: fixture.host }, signal);
      expect((await dropIt({ by: 'expiry' }, other)).removed).toEqual([]);
      expect((await dropIt({ by: 'expiry' })).removed).toEqual([short.snapshots[0]?.id]);
      expect((await sets()).map(({ id }) => id)).toEqual([lasting.set]);
      const late = drop({ host: name, choice, plan: plan.id }, ports(), signal);
      expect(toStillpointError(await late.catch((error: unknown) => error)).code).toBe('snapshot.unknown-kept');
      await dropIt({ by: 'ids', ids: [lasting.set] });
      expect(await fixture.kept()).toEqual([]);
    });

    test('of a plan is that of one run: what was made is not taken back for another one', async ({ skip }) => {
      skip(fixture.isSlow === true, 'it is the same for every storage');
      const first = await keepIt({ paths: [lastFolder()] });
      const before = await fixture.kept();
      const again = { plan: `${first.set}00000000` as never, paths: [lastFolder()] };
      const stale = await keepIt(again).catch((error: unknown) => toStillpointError(error));
      if (!(stale instanceof StillpointError)) throw new Error('a plan of nobody was done');
      expect(stale.code).toBe('plan.stale');
      const used = await keepIt({ ...again, plan: stale.details['now'] as never }).catch(toStillpointError);
      expect(used).toMatchObject({ code: 'plan.used' });
      expect(await fixture.kept()).toEqual(before);
      await dropIt({ by: 'ids', ids: [first.set] });
    });

    test('that only looks like ours is shown and left alone', async () => {
      await fixture.putKeptImpostor();
      const plan = await planDrop(name, { by: 'ids', ids: ['0badbeef'] }, { ...base(), host: fixture.host }, signal);
      expect(plan.sets).toMatchObject([{ id: '0badbeef', about: undefined, snapshots: [{ state: 'foreign' }] }]);
      expect(plan.steps).toEqual([]);
      const before = await fixture.kept();
      expect((await fixture.host.run(sweepHost(registry.scripts, owner), signal)).removed).toEqual([]);
      expect(await fixture.kept()).toEqual(before);
      await fixture.removeKeptImpostor();
    });

    test('goes with its run where its making is cut before the names', async ({ skip }) => {
      skip(fixture.isSlow === true, 'for slow hosts the run itself is cut often enough by the suite of providers');
      // The script never comes: what was made goes with its run.
      const never = borrowed(async (command, one) => {
        if (command.name === 'keep-snapshots') throw new Error('cut');
        return fixture.host.run(command, one);
      });
      await expect(keepIt({}, { host: never })).rejects.toThrow('cut');
      expect(await fixture.kept()).toEqual([]);
      expect(await fixture.present()).toEqual([]);
    });

    test('shows that a part is missing where its making was killed between two names, and we are gone, too', async () => {
      const events: RunEventBody[] = [];
      const cut = borrowed(async (command, one) => {
        if (command.name === 'remove-kept-snapshots') throw new Error('gone');
        if (command.name !== 'keep-snapshots') return fixture.host.run(command, one);
        const lines = command.script.split('\n');
        const last = lines.findLastIndex((line) => line.includes('|| sp_failed'));
        const script = [...lines.slice(0, last), KILL, ...lines.slice(last)].join('\n');
        return fixture.host.run({ ...command, script }, one);
      });
      await expect(keepIt({}, { host: cut, emit: (event) => events.push(event) })).rejects.toThrow(
        /keep-snapshots|ended|lost/,
      );
      expect(events.map(({ type }) => type)).toContain('cleanup-failed');
      await fixture.host.run(sweepHost(registry.scripts, owner, await runsOf(fixture)), signal);
      expect(await fixture.present()).toEqual([]);
      const [part, ...more] = await sets();
      expect(more).toEqual([]);
      expect(part).toMatchObject({ missing: 1, isOwn: true });
      await dropIt({ by: 'ids', ids: [part?.id ?? ''] });
      expect(await fixture.kept()).toEqual([]);
    });
  });
}

async function runsOf(fixture: KeptFixture): Promise<readonly never[]> {
  const names = await fixture.sh('ls /run/stillpoint 2>/dev/null || :');
  return names.split('\n').filter((each) => each !== '') as never[];
}
