/**
 * What everything that makes a dump must do, seen from the outside: a backup, and what its file is worth. It knows a program by
 * its fixture alone.
 */
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DumpConsistency, DumpWish } from '../../shared/domain/dump.ts';
import { planDumps } from '../../shared/dump/plan-dumps.ts';
import { dumpCommand } from '../../shared/pipeline/dump/dump-stream.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { type BackedUp, backUpHere, makeRepository, planHere } from '../support/backing-up.ts';
import { restic, resticFinds, resticOk } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

export interface DumpFixture extends AsyncDisposable {
  readonly connect: () => RemoteHost;
  /** Runs sh on the host as root; a failure is an error. */
  sh(script: string): Promise<string>;
  readonly wish: DumpWish;
  readonly consistency: DumpConsistency;
  /** All that it holds, as text of which no two states have the same; with the name of the server that is asked. */
  readonly state: string;
  /** Two counters that one transaction raises together: prints "A B"; undefined where nobody writes. */
  readonly counters?: string;
  /** Who writes waits until it is over. */
  readonly writersWait?: boolean;
  /** Raises both, once. */
  readonly raise?: string;
  /** Changes a little of it, near its beginning. */
  readonly change: string;
  /** Makes $1, the folder of the dumps in a restored restore point, into a server of its own; `loadedState` asks that one. */
  readonly load: string;
  readonly loadedState: string;
  readonly loadedCounters?: string;
  /** Takes away what `load` has made. */
  readonly unload: string;
  /** Ends it in the middle of a dump, as it could end by itself. */
  readonly die: string;
  /** Whatever is to be done so that it can be dumped again. */
  readonly revive: string;
  /** A program whose processes would be left, as for pgrep -f. */
  readonly program: string;
}

export function dumpContract(title: string, whyNot: string | undefined, open: () => Promise<DumpFixture>): void {
  describe(`a dump of ${title}`, () => {
    let fixture: DumpFixture;
    let folder: TemporaryFolder;
    let repository: string;
    let count = 0;

    beforeAll(async () => {
      if (whyNot !== undefined) return;
      folder = await temporaryFolder();
      fixture = await open();
      repository = join(folder.path, 'repository');
      await makeRepository(repository);
    });
    afterAll(async () => {
      await fixture?.[Symbol.asyncDispose]();
      await folder?.[Symbol.asyncDispose]();
    });
    beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));

    const orderOf = (connect = fixture.connect) => ({
      ...{ repository, workFolder: folder.path, paths: [], withoutSnapshot: 'refuse' as const },
      ...{ dumps: [fixture.wish], openHost: () => Promise.resolve(connect()) },
    });
    const backUp = (connect?: () => RemoteHost, signal?: AbortSignal): Promise<BackedUp> =>
      backUpHere(orderOf(connect), signal);
    const points = async (): Promise<number> =>
      (JSON.parse(await resticOk(repository, 'snapshots', '--json')) as readonly unknown[]).length;

    /** The state, and the counters, of what was restored from a restore point and loaded. */
    async function loaded(restorePoint: string): Promise<{ readonly state: string; readonly counters: string }> {
      const target = join(folder.path, `restored-${++count}`);
      await resticOk(repository, 'restore', restorePoint, '--target', target);
      // Others than root have no way into the folder of a test.
      await mkdir(`/var/tmp/stillpoint-dumps-${process.pid}`, { recursive: true });
      const place = `/var/tmp/stillpoint-dumps-${process.pid}/${count}`;
      await cp(join(target, '.stillpoint-dumps'), place, { recursive: true });
      try {
        await fixture.sh(`set -- ${place}; chmod -R a+rX ${place}; ${fixture.load}`);
        const counters = fixture.loadedCounters === undefined ? '' : await fixture.sh(fixture.loadedCounters);
        return { state: await fixture.sh(fixture.loadedState), counters };
      } finally {
        await fixture.sh(
          `${fixture.unload}; rm -rf ${place}; rmdir /var/tmp/stillpoint-dumps-${process.pid} 2>/dev/null || :`,
        );
      }
    }

    /** The same host; `strike` runs in the middle of a large dump, and nothing of it is taken meanwhile. */
    function struck(strike: () => Promise<void>): {
      readonly connect: () => RemoteHost;
      readonly struck: () => number;
    } {
      let strikes = 0;
      const connect = (): RemoteHost => {
        const host = fixture.connect();
        return {
          name: host.name,
          run: (command, signal) => host.run(command, signal),
          async stream(command, input, signal) {
            const stream = await host.stream(command, input, signal);
            if (command.name !== 'take-dump') return stream;
            const parts = async function* (): AsyncGenerator<Buffer> {
              let bytes = 0;
              for await (const chunk of stream.output) {
                yield chunk as Buffer;
                bytes += (chunk as Buffer).length;
                if (strikes > 0 || bytes < MIDDLE) continue;
                strikes += 1;
                await strike();
              }
            };
            return {
              ...stream,
              output: Readable.from(parts()),
              [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
            };
          },
          [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
        };
      };
      return { connect, struck: () => strikes };
    }

    const running = async (): Promise<string> =>
      (await fixture.sh(`pgrep -r D,R,S,T -f -- '${fixture.program}' | grep -v $$ || :`)).trim();

    test('is foreseen by a plan with the very script, and needs nothing else of the host', async () => {
      const plan = await planHere(orderOf());
      expect(plan.consistency).toBe(fixture.consistency);
      expect(plan.snapshots).toEqual([]);
      expect(plan.dumps?.length).toBeGreaterThan(0);
      for (const { consistency } of plan.dumps ?? []) expect(consistency).toBe(fixture.consistency);
      expect(plan.steps).toHaveLength(plan.dumps?.length ?? 0);
      for (const { command } of plan.steps) expect(command?.script).toContain('sp_dump');
    });

    test('has all that was there, and says of what moment it is', async () => {
      const before = await fixture.sh(fixture.state);
      const { report, error } = await backUp();
      expect(error).toBeUndefined();
      expect(report?.consistency).toBe(fixture.consistency);
      expect(report?.missingCount).toBe(0);
      for (const { bytes, fromUptime, untilUptime } of report?.dumps ?? []) {
        expect(bytes).toBeGreaterThan(0);
        expect(untilUptime).toBeGreaterThan(fromUptime);
      }
      expect(await resticFinds(repository, '--read-data')).toEqual([]);
      const after = await loaded(report?.restorePoint ?? '');
      expect(after.state).toBe(before);
    });

    test('stores little of it again when little has changed', async () => {
      const { report: first } = await backUp();
      await fixture.sh(fixture.change);
      const changed = await fixture.sh(fixture.state);
      const { report, error } = await backUp();
      expect(error).toBeUndefined();
      expect(report?.parent).toBe(first?.restorePoint);
      const all = report?.bytesTotal ?? 0;
      console.log(`${title}: of ${all} bytes ${report?.bytesStored} were stored again`);
      expect(report?.bytesStored).toBeLessThan(all / 3);
      expect((await loaded(report?.restorePoint ?? '')).state).toBe(changed);
    });

    test('is of one moment while somebody writes', async ({ skip }) => {
      const { counters, raise } = fixture;
      if (counters === undefined || raise === undefined) return skip('nobody writes to it');
      await fixture.sh(
        `rm -f /run/stop; { while [ ! -e /run/stop ]; do ${raise} || :; done; rm /run/stop; } >/dev/null 2>&1 </dev/null &`,
      );
      const before = numbersOf(await fixture.sh(counters));
      let during: readonly number[] = [];
      const slow = struck(async () => {
        await wait(1500);
        // Where writers wait, those who ask do, too.
        during = numbersOf(await fixture.sh(fixture.writersWait === true ? 'echo 1000000' : counters));
      });
      const { report, error } = await backUp(slow.connect);
      await fixture.sh('touch /run/stop; while [ -e /run/stop ]; do sleep 0.1; done');
      const after = numbersOf(await fixture.sh(counters));
      expect(error).toBeUndefined();
      expect(slow.struck()).toBe(1);
      // Somebody wrote before it, and while it came.
      expect(after[0]).toBeGreaterThan(before[0] ?? 0);
      expect(during[0]).toBeGreaterThan(before[0] ?? 0);
      const [one, other] = numbersOf((await loaded(report?.restorePoint ?? '')).counters);
      expect(one).toBe(other);
      expect(one).toBeGreaterThanOrEqual(before[0] ?? 0);
      expect(one).toBeLessThanOrEqual(after[0] ?? 0);
    });

    test('that ends badly leaves no restore point', async () => {
      const before = await points();
      const death = struck(async () => void (await fixture.sh(fixture.die)));
      const { report, error } = await backUp(death.connect);
      await fixture.sh(fixture.revive);
      expect(death.struck()).toBe(1);
      expect(report).toBeUndefined();
      expect(error).toMatchObject({ code: 'dump.failed' });
      expect(await points()).toBe(before);
      expect((await restic(repository, 'check')).exitCode).toBe(0);
    });

    test('that is cancelled leaves no restore point, and nothing that runs on the host', async () => {
      const before = await points();
      const cancel = new AbortController();
      let seen = '';
      const cut = struck(async () => {
        seen = await running();
        cancel.abort(new Error('a person said stop'));
      });
      const { report } = await backUp(cut.connect, cancel.signal);
      expect(report).toBeUndefined();
      expect(seen).not.toBe('');
      await expect.poll(running).toBe('');
      expect(await points()).toBe(before);
    });

    test('ends on the host when nothing is heard of us, and nothing was seen to end', async () => {
      await using host = fixture.connect();
      const { dumps } = await planDumps([fixture.wish], host, AbortSignal.timeout(60_000));
      const [dump] = dumps.toSorted((one, other) => Number(isLarge(other.name)) - Number(isLarge(one.name)));
      const silent = async function* (): AsyncGenerator<Uint8Array> {
        await wait(60_000, undefined, { ref: false });
        yield Buffer.from('.');
      };
      if (dump === undefined) throw new Error('there is no dump');
      const stream = await host.stream(dumpCommand(dump, 2), silent(), AbortSignal.timeout(50_000));
      await expect.poll(running).not.toBe('');
      // Nobody takes what comes, so it waits for us.
      await expect.poll(running, { timeout: 15_000 }).toBe('');
      await stream[Symbol.asyncDispose]();
    });

    test('can be made by two at once', async () => {
      const second = join(folder.path, 'second');
      await makeRepository(second);
      const [one, other] = await Promise.all([
        backUp(),
        backUpHere({ ...orderOf(), repository: second, workFolder: join(folder.path, 'two') }),
      ]);
      expect([one.error, other.error]).toEqual([undefined, undefined]);
      // How much of a log is among the files of a server depends on the moment.
      expect(one.report?.dumps?.length).toBe(other.report?.dumps?.length);
      expect((await resticFinds(second, '--read-data')).concat(await resticFinds(repository))).toEqual([]);
    });
  });
}

/** Of a dump that does not fit into what lies between the host and us. */
const MIDDLE = 100_000;

const numbersOf = (text: string): readonly number[] => text.trim().split(/\s+/).map(Number);

/** One that does not fit into what lies between the host and us. */
const isLarge = (name: string): boolean => !/globals|accounts|postgres\.dump|odd/.test(name);
