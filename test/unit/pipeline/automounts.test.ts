/** A restore point holds the same whether an automount was idle or in use when the backup began. */
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import type { Mount } from '../../../shared/domain/host.ts';
import { hostName, ownerId, repositoryName, runId, sourceName } from '../../../shared/domain/names.ts';
import { wakeAutomounts } from '../../../shared/pipeline/backup/automounts.ts';
import { type Preparation, prepare } from '../../../shared/pipeline/prepare.ts';
import type { RemoteCommand } from '../../../shared/remote/command.ts';
import { createLocalTransport } from '../../../shared/remote/local.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { aHost } from '../../support/remote/commands.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { aMount, guestMounts, surveyAnswer } from '../snapshot/fixtures.ts';

/** Parent 62 is /srv/files, on vg0/files; 254:0 is vg0/mysql. */
const trigger = (kind: 'direct' | 'indirect', target = '/srv/files/auto'): Mount =>
  aMount(target, { id: 700, parentId: 62, device: '0:44', fsType: 'autofs', superOptions: ['rw', 'fd=5', kind] });
const mounted = aMount('/srv/files/auto', { id: 701, parentId: 700, device: '254:0', fsType: 'ext4' });

interface Woken {
  readonly host: RemoteHost;
  readonly woken: string[];
}

/** A host on paper whose mounts are `after` once its automounts were looked at. */
function aHostThatWakes(before: readonly Mount[], after: readonly Mount[]): Woken {
  const woken: string[] = [];
  const answer = (command: RemoteCommand<unknown>): unknown => {
    if (command.name !== 'wake-automounts')
      return surveyAnswer(command, { mounts: [...guestMounts(), ...(woken.length === 0 ? before : after)] });
    woken.push(...command.args.map((path) => path.toString()));
    return undefined;
  };
  const host: RemoteHost = {
    name: 'db1',
    run: (command) => Promise.resolve(answer(command as RemoteCommand<unknown>) as never),
    stream: () => Promise.reject(new Error('nothing is read here')),
    async [Symbol.asyncDispose]() {},
  };
  return { host, woken };
}

async function prepared({ host }: Woken, paths = ['/srv/files'], exclude: string[] = []): Promise<Preparation> {
  const source = {
    name: sourceName('shop'),
    host: hostName('db1'),
    paths: paths.map((path) => Buffer.from(path)),
    repository: repositoryName('main'),
    exclude,
  };
  return await prepare(
    source,
    { run: runId('0000aaaa'), owner: ownerId('00000be4c400') },
    [],
    { host, clock: systemClock, registry: REGISTRY },
    never,
  );
}
const trees = ({ coverage }: Preparation): string[] => coverage.trees.map((tree) => tree.path.toString());

describe('a program that is not there', () => {
  const failed = (name: string) =>
    new StillpointError('remote.command-failed', `"${name}" ended with exit code 127.`, {
      advice: '',
      cause: undefined,
    });
  test.each(['list-logical-volumes', 'list-volume-groups', 'read-lvm-limits', 'list-block-devices', 'read-mounts'])(
    'is named, and not %s that failed for want of it',
    async (script) => {
      const whole = aHostThatWakes([], []);
      const host = (missing: readonly string[]): RemoteHost => ({
        ...whole.host,
        async run(command, signal) {
          if (command.name === script) throw failed(script);
          const answer = await whole.host.run(command, signal);
          return command.name === 'identify-host' ? ({ ...(answer as object), missing } as never) : answer;
        },
      });
      await expect(prepared({ ...whole, host: host(['timeout']) })).rejects.toMatchObject({
        code: 'remote.tool-missing',
        message: expect.stringContaining('timeout') as string,
      });
      await expect(prepared({ ...whole, host: host([]) })).rejects.toMatchObject({ code: 'remote.command-failed' });
    },
  );
});

describe('an automount below a source', () => {
  test('is looked at, so that idle and in use come to the same', async () => {
    const idle = aHostThatWakes([trigger('direct')], [trigger('direct'), mounted]);
    const inUse = aHostThatWakes([trigger('direct'), mounted], [trigger('direct'), mounted]);
    expect(trees(await prepared(idle))).toEqual(['/srv/files/auto', '/srv/files']);
    expect(idle.woken).toEqual(['/srv/files/auto']);
    expect(trees(await prepared(inUse))).toEqual(['/srv/files/auto', '/srv/files']);
    expect(inUse.woken).toEqual([]);
  });

  test('is refused by name where it stays idle', async () => {
    const broken = aHostThatWakes([trigger('direct')], [trigger('direct')]);
    await expect(prepared(broken)).rejects.toMatchObject({
      code: 'host.path-not-snapshottable',
      message: expect.stringContaining('"/srv/files/auto" on "db1" is an automount that mounted nothing') as unknown,
      advice: expect.stringContaining('name "/srv/files/auto" under "exclude"') as unknown,
    });
  });

  test('is refused where it is a map, whatever is in it just now', async () => {
    const folder = aMount('/srv/files/auto/ann', { id: 702, parentId: 700, device: '254:0', fsType: 'ext4' });
    for (const more of [[], [folder]]) {
      const map = [trigger('indirect'), ...more];
      await expect(prepared(aHostThatWakes(map, map))).rejects.toMatchObject({
        message: expect.stringContaining('is an automount map') as unknown,
      });
    }
  });

  test('is left alone where it, or a folder on the way to it, is excluded', async () => {
    for (const pattern of ['/srv/files/auto', 'auto']) {
      const host = aHostThatWakes([trigger('direct')], []);
      expect(trees(await prepared(host, ['/srv/files'], [pattern]))).toEqual(['/srv/files']);
      expect(host.woken).toEqual([]);
    }
  });

  test('on the way to a source counts as well', async () => {
    const idle = aHostThatWakes([trigger('direct')], [trigger('direct'), mounted]);
    expect(trees(await prepared(idle, ['/srv/files/auto/data']))).toEqual(['/srv/files/auto/data']);
    expect(idle.woken).toEqual(['/srv/files/auto']);
  });
});

test('looking at a place takes no longer for one that is not there', async () => {
  await using folder = await temporaryFolder();
  await using host = aHost(createLocalTransport());
  const places = [folder.path, `${folder.path}/gone`].map((place) => Buffer.from(place));
  await expect(host.run({ ...wakeAutomounts(places), needs: 'user' }, never)).resolves.toBeUndefined();
});
