/** What is opened side by side: that it is, what is said where it fails, and that nothing stays open. */
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { backup } from '../../../shared/pipeline/backup.ts';
import { openAhead, openBeside } from '../../../shared/pipeline/open-beside.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { Repository } from '../../../shared/repository/repository.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { noRuns } from '../../support/pipeline/no-runs.ts';

class Thing implements AsyncDisposable {
  isOpen = true;

  async [Symbol.asyncDispose](): Promise<void> {
    this.isOpen = false;
  }
}

const failing = async (words: string, after: Promise<unknown> = Promise.resolve()): Promise<never> => {
  await after;
  throw new Error(words);
};

describe('two things that are opened side by side', () => {
  const made: Thing[] = [];
  const thing = async (): Promise<Thing> => {
    const one = new Thing();
    made.push(one);
    return one;
  };
  const opened = async (first: () => Promise<Thing>, second: (signal: AbortSignal) => Promise<Thing>) => {
    made.length = 0;
    await using resources = new AsyncDisposableStack();
    return await openBeside(first, second, resources, never);
  };

  test('are both there, and both closed with what holds them', async () => {
    expect(await opened(thing, thing)).toEqual(made);
    expect(made.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  });

  test('fail with the error of the one that fails', async () => {
    await expect(opened(() => failing('first'), thing)).rejects.toThrow('first');
    await expect(opened(thing, () => failing('second'))).rejects.toThrow('second');
    expect(made.map(({ isOpen }) => isOpen)).toEqual([false]);
  });

  test.each(['first', 'second'])(
    'fail with the error of the first where both do, also when the %s was faster',
    async (faster) => {
      const late = new Promise((resolve) => setTimeout(resolve, 20));
      const [one, two] = faster === 'first' ? [undefined, late] : [late, undefined];
      await expect(
        opened(
          () => failing('first', one),
          () => failing('second', two),
        ),
      ).rejects.toThrow('first');
    },
  );

  test('do not wait for the second where the first failed, and close it where it comes all the same', async () => {
    const heeding = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    await expect(opened(() => failing('first'), heeding)).rejects.toThrow('first');
    const heedless = async (signal: AbortSignal): Promise<Thing> => {
      await heeding(signal).catch(() => undefined);
      return await thing();
    };
    await expect(opened(() => failing('first'), heedless)).rejects.toThrow('first');
    expect(made.map(({ isOpen }) => isOpen)).toEqual([false]);
  });
});

describe('what is opened ahead', () => {
  test('is given out once, and is not ours to close then', async () => {
    const made: Thing[] = [];
    const ahead = openAhead(async () => made[made.push(new Thing()) - 1] as Thing, never);
    const first = await ahead.open(never);
    expect([first, await ahead.open(never)]).toEqual(made);
    await ahead[Symbol.asyncDispose]();
    expect(made.map(({ isOpen }) => isOpen)).toEqual([true, true]);
  });

  test('says only when it is asked for that it could not be opened', async () => {
    await using ahead = openAhead(() => failing('refused'), never);
    await new Promise(setImmediate);
    await expect(ahead.open(never)).rejects.toThrow('refused');
  });

  test('is closed where nobody wanted it', async () => {
    const left = new Thing();
    await openAhead(async () => left, never)[Symbol.asyncDispose]();
    expect(left.isOpen).toBe(false);
  });
});

test('a backup reaches its host while its repository is opened, and says of the repository what is wrong with both', async () => {
  const reached = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const name = hostName('db1');
  const limits = { leaseSeconds: 600, maxClockSkewSeconds: 86_400 };
  const run = backup(
    {
      source: {
        ...{ name: sourceName('s'), host: name, paths: [Buffer.from('/srv')], exclude: [] },
        repository: repositoryName('main'),
      },
      host: { name, ssh: 'db1', sshConfigFile: undefined, sudo: 'none', ...limits },
      acceptClockSkew: false,
    },
    {
      // Each begins, and neither ends before the other has begun.
      openRepository: async (): Promise<Repository> => {
        asked.resolve();
        await reached.promise;
        throw new Error('the repository is not there');
      },
      openHost: async (): Promise<RemoteHost> => {
        reached.resolve();
        await asked.promise;
        throw new Error('the host is not there');
      },
      ...{ registry: REGISTRY, owner: ownerId('00112233aabb'), runs: noRuns(), clock: systemClock },
      ...{ logger: silentLogger, emit: () => undefined, workFolder: '/nonexistent' },
    },
    never,
  );
  await expect(run).rejects.toThrow('the repository is not there');
});
