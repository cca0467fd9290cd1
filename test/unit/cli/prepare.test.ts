/** `stillpoint prepare`: nothing is made before the exact name of the device was typed. */
import { expect, test } from 'vitest';
import type { NewVolumeRequest } from '../../../shared/domain/new-volume.ts';
import { sampleRun } from '../../support/sample-data.ts';
import { sampleVolumePlan } from '../../support/sample-volume.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli } from '../../support/scripted-terminal.ts';

async function prepare(words: readonly string[], answer?: string | null) {
  const requests: NewVolumeRequest[] = [];
  const stillpoint = scriptedStillpoint({
    run: sampleRun,
    overrides: {
      planVolume: async (request) => {
        requests.push(request);
        return sampleVolumePlan;
      },
    },
  });
  const ask = answer === null ? {} : { ask: async () => answer };
  const ended = await runCli(['prepare', 'db1', '/dev/sdb', ...words], stillpoint, ask);
  const made = stillpoint.calls.filter((call) => call.startsWith('makeVolume'));
  return { ...ended, made, wanted: requests[0]?.wanted };
}

const MADE = [`makeVolume db1 ${sampleVolumePlan.id}`];

test.for([
  ['/dev/sdb', 0, MADE],
  [' /dev/sdb ', 0, MADE],
  ['/dev/sda', 2, []],
  ['sdb', 2, []],
  ['yes', 2, []],
  ['', 130, []],
  [undefined, 130, []],
  [null, 2, []],
] as const)('where %j is typed it ends with %i', async ([answer, exitCode, made]) => {
  const ended = await prepare(['--group', 'data'], answer);
  expect({ exitCode: ended.exitCode, made: ended.made }, ended.stderr).toEqual({ exitCode, made });
});

test('neither --json nor --dry-run makes anything', async () => {
  expect(await prepare(['--group', 'data', '--json'], '/dev/sdb')).toMatchObject({ exitCode: 2, made: [] });
  expect(await prepare(['--group', 'data', '--dry-run'], '/dev/sdb')).toMatchObject({ exitCode: 0, made: [] });
});

test.for([
  [['--group', 'g'], { kind: 'volume', group: 'g', volume: 'data', fileSystem: 'ext4', size: { reservePercent: 20 } }],
  [
    ['--group', 'g', '--volume', 'v', '--file-system', 'xfs', '--reserve', '35'],
    { kind: 'volume', group: 'g', volume: 'v', fileSystem: 'xfs', size: { reservePercent: 35 } },
  ],
  [['--group', 'g', '--size', '2G'], { kind: 'volume', size: { bytes: 2 ** 31 } }],
  [['--add-to', 'vg0'], { kind: 'more-room', group: 'vg0' }],
] as const)('%j is understood', async ([words, wanted]) => {
  expect((await prepare([...words, '--dry-run'])).wanted).toMatchObject(wanted);
});

test.for([
  [],
  ['--group', 'g', '--add-to', 'vg0'],
  ['--add-to', 'vg0', '--size', '1G'],
  ['--group', 'g', '--size', '1G', '--reserve', '20%'],
  ['--group', 'g', '--reserve', '0'],
  ['--group', 'g', '--reserve', '95%'],
  ['--group', 'g', '--reserve', '1.5'],
  ['--group', 'g', '--size', 'much'],
  ['--group', 'g', '--file-system', 'btrfs'],
])('%j is not', async (words) => {
  expect(await prepare(words, '/dev/sdb')).toMatchObject({ exitCode: 2, made: [], wanted: undefined });
});
