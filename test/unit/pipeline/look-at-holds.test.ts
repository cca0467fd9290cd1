/** What a source wants held still, looked at before anything is. */
import { expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { compileExcludes } from '../../../shared/domain/exclude-patterns.ts';
import { hostName } from '../../../shared/domain/names.ts';
import {
  lookAtHolds,
  requireSaved,
  type Saved,
  savedFrom,
  treesBelow,
} from '../../../shared/pipeline/look-at-holds.ts';
import type { HoldLook, Hook } from '../../../shared/quiesce/hook.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { createRegistry } from '../../../shared/snapshot/registry.ts';
import { flagFile } from '../../support/quiesce/flag-file.ts';
import { detectOnGuest, guestMounts } from '../snapshot/fixtures.ts';

const source = { host: hostName('db1'), paths: [Buffer.from('/srv')], exclude: [] };
const place = (path: string) => ({ what: 'the data of it', path: Buffer.from(path) });

/** Answers each look with what it was made for, and resolves each path to itself, but for what is not there. */
const hostThat = (looks: readonly HoldLook[], absent: readonly string[] = []): RemoteHost => {
  const left = [...looks];
  return {
    name: 'db1',
    run: (command: { readonly name: string; readonly args: readonly Buffer[] }) =>
      Promise.resolve(
        command.name === 'resolve-paths'
          ? command.args.map((asked) => ({ asked, real: absent.includes(asked.toString()) ? Buffer.alloc(0) : asked }))
          : left.shift(),
      ),
  } as unknown as RemoteHost;
};
const hooks = (count: number): Hook[] =>
  Array.from({ length: count }, () => ({ ...flagFile(), look: () => ({ name: 'look' }) as never }));
const lookAt = (looks: readonly HoldLook[], absent?: readonly string[]) =>
  lookAtHolds(source, createRegistry([], hooks(looks.length)), hostThat(looks, absent), never);

test('all that cannot be held is refused at once', async () => {
  const lack = (message: string): HoldLook => ({ lacks: [{ message, advice: 'Do it.' }], places: [], facts: {} });
  await expect(lookAt([lack('There is no A.'), lack('There is no B.')])).rejects.toMatchObject({
    code: 'quiesce.freeze-failed',
    message:
      '2 of what the source wants held still on "db1" cannot be held:\n  Something cannot be held still on "db1". There is no A. Do it.\n  Something cannot be held still on "db1". There is no B. Do it.',
  });
});

const nothing: Saved = {
  ...{ coverage: { trees: [], emptyPlaces: [] }, devices: [], exclude: compileExcludes([]) },
  survey: { mounts: guestMounts(), volumes: detectOnGuest(guestMounts()) },
};
const srv = {
  coverage: {
    trees: [{ path: Buffer.from('/srv') }],
    emptyPlaces: [Buffer.from('/srv/empty')],
  } as unknown as Saved['coverage'],
};

test('what is held and not saved is refused', async () => {
  const looks = await lookAt(
    [{ lacks: [], places: [place('/srv/db'), place('/var/db'), place('/gone')], facts: {} }],
    ['/gone'],
  );
  const saved = (...exclude: string[]): Saved => ({ ...nothing, ...srv, exclude: compileExcludes(exclude) });
  const check = (...exclude: string[]) => requireSaved(looks, saved(...exclude), 'db1');
  expect(() => check()).toThrow('"/var/db" holds the data of it, and the source does not save it.');
  expect(savedFrom(Buffer.from('/srv/empty/db'), saved())).toBeUndefined();
  expect(() => check('/srv/db')).toThrow('2 places of what the source wants held still on "db1" are not in it');
});

test('what is held and lies on a volume whose image is saved is saved with it', async () => {
  const volume = nothing.survey.volumes.find(({ volume: { mountpoints } }) => mountpoints.includes('/srv/files'));
  if (volume === undefined) throw new Error('the guest has another layout');
  const inIt = Buffer.from('/srv/files/db');
  const image = { path: Buffer.from('/dev/vg0/files'), volume, sizeBytes: 1 };
  const looks = await lookAt([{ lacks: [], places: [place('/srv/files/db')], facts: {} }]);
  expect(() => requireSaved(looks, { ...nothing, devices: [image] }, 'db1')).not.toThrow();
  expect(savedFrom(inIt, { ...nothing, devices: [image] })).toBe(volume);
  expect(savedFrom(Buffer.from('/etc/db'), { ...nothing, devices: [image] })).toBeUndefined();
  expect(() => requireSaved(looks, nothing, 'db1')).toThrow('and the source does not save it');
});

test('what is mounted below a place belongs to it', () => {
  const trees = ['/srv/db/log', '/srv/db', '/srv'].map((path) => ({ path: Buffer.from(path) }));
  const below = (path: string) => treesBelow(Buffer.from(path), { trees } as never).map((tree) => tree.path.toString());
  expect([below('/srv/db'), below('/srv/db/log'), below('/srv')]).toEqual([
    ['/srv/db/log'],
    [],
    ['/srv/db/log', '/srv/db'],
  ]);
});
