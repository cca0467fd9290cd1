import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { isStillpointError } from '../../../shared/base/errors.ts';
import type { RemoteCommand } from '../../../shared/remote/command.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { btrfs } from '../../../shared/snapshot/btrfs/provider.ts';
import { surveyFileSystems } from '../../../shared/snapshot/btrfs/survey-command.ts';
import { detectVolumes } from '../../../shared/snapshot/detect.ts';
import { aMount, parsed } from './fixtures.ts';

const FOLDER = join(import.meta.dirname, 'fixtures', 'btrfs');
const said = (what: string): string => readFileSync(join(FOLDER, '6.2', what), 'latin1');
const paths = Object.entries(JSON.parse(readFileSync(join(FOLDER, 'paths.json'), 'utf8')) as Record<string, string>);
const UUID = '2a5bdb4d-fc45-475d-8004-53946d5eb97f';
const SWAPS = 'Filename\tType\n/dev/dm-1 partition 1 0 -2\n/srv/my\\040swap file\t4092 0 -2\n';

/** What the command prints of one file system; `renamed` has another path for this number. */
const seen = (renamed?: string): string[] => [
  ...[UUID, 'no', 'seen', said('usage'), said('top'), said('list'), said('locked')],
  ...paths.flatMap(([number, path]) => [number, `${number === renamed ? 'elsewhere' : path}\n`, 'yes']),
  ...['999', '', 'no', 'end'],
];
const bytes = (fields: readonly string[]): Buffer =>
  Buffer.from(fields.map((field) => `${field}\0`).join(''), 'latin1');
const sda = { device: '0:40', source: Buffer.from('/dev/sda2') };
const sdb = { device: '0:50', source: Buffer.from('/dev/sdb') };

describe('the answer of a host with Btrfs', () => {
  test('has all file systems, and the files that are swapped to', () => {
    const answer = parsed(
      surveyFileSystems([sda, sdb]),
      bytes([SWAPS, ...seen(), '', 'no', 'no-mount', 'mount: permission denied\n']),
    );
    expect(answer.swapFiles.map(String)).toEqual(['/srv/my swap']);
    expect(answer.fileSystems[0]).toMatchObject({
      ...sda,
      uuid: UUID,
      hasQuotas: false,
      subvolumes: { length: paths.length },
    });
    expect(answer.fileSystems[1]).toEqual({ ...sdb, why: 'no-mount', said: 'mount: permission denied' });
  });

  test('that is of one in another form or changing says so of that one', () => {
    const [first, ...rest] = seen();
    const odd = [first ?? '', ...rest].map((field) => field.replaceAll('Device size', 'Size'));
    const { fileSystems } = parsed(
      surveyFileSystems([sda, sdb, sdb]),
      bytes([SWAPS, ...seen('257'), ...odd, ...seen()]),
    );
    expect(fileSystems).toEqual([
      { ...sda, why: 'changing', said: 'subvolume 257 was renamed or removed' },
      { ...sdb, why: 'unknown-form', said: 'the usage does not say "Device size"' },
      expect.objectContaining({ uuid: UUID }),
    ]);
  });

  test.each([
    ['is cut', [SWAPS, ...seen().slice(0, -1)]],
    ['goes on', [SWAPS, ...seen(), 'more']],
    ['has another word', [SWAPS, UUID, 'no', 'perhaps', '']],
    ['names no UUID', [SWAPS, 'x', ...seen().slice(1)]],
    ['is empty', []],
  ])('is not believed where it %s', (_, fields) => {
    expect(() => parsed(surveyFileSystems([sda]), bytes(fields))).toThrow(
      expect.toSatisfy((error: unknown) => isStillpointError(error, 'remote.unreadable-output')) as Error,
    );
  });
});

describe('a survey', () => {
  const mount = aMount('/srv', { id: 1, parentId: 0, device: '0:40', fsType: 'btrfs', source: sda.source });
  const surveyOf = async (mounts: readonly (typeof mount)[], answers: readonly Buffer[]) => {
    let asked = 0;
    const host = {
      name: 'db1',
      run: <T>(command: RemoteCommand<T>): Promise<T> => {
        asked += 1;
        return Promise.resolve(parsed(command, answers[Math.min(asked, answers.length) - 1] ?? ''));
      },
    } as unknown as RemoteHost;
    const storage = await btrfs.survey(host, Promise.resolve(mounts), never);
    const volumes = detectVolumes(mounts, new Map(), [storage]);
    return { asked, kinds: volumes.map(({ volume }) => volume.snapshot.possible) };
  };
  const [calm, moving] = [bytes([SWAPS, ...seen()]), bytes([SWAPS, ...seen('257')])];

  test('asks nothing of a host without Btrfs', async () => {
    expect(await surveyOf([aMount('/')], [])).toMatchObject({ asked: 0 });
  });

  test('looks again where subvolumes came and went, and gives up at last', async () => {
    expect(await surveyOf([mount], [calm])).toMatchObject({ asked: 1 });
    const again = await surveyOf([mount], [moving, moving, calm]);
    expect(again).toMatchObject({ asked: 3 });
    expect(again.kinds).toContain(true);
    expect(await surveyOf([mount], [moving])).toEqual({ asked: 3, kinds: [false] });
  });
});
