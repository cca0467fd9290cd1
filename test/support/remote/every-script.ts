/**
 * Every remote script of the product, each with arguments as it may have, for tests that look at all of them. A test
 * holds that none is missing.
 */
import { never } from '../../../shared/base/cancel.ts';
import type { DumpWish } from '../../../shared/domain/dump.ts';
import { keptBy } from '../../../shared/domain/kept-name.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { planDumps } from '../../../shared/dump/plan-dumps.ts';
import { dumperOf } from '../../../shared/dump/registry.ts';
import { lookAtFileSystems } from '../../../shared/pipeline/advise/file-systems.ts';
import { listPrograms, placePaths } from '../../../shared/pipeline/advise/programs-at-work.ts';
import { askSudo } from '../../../shared/pipeline/advise/sudo-rights.ts';
import { watchWrites } from '../../../shared/pipeline/advise/write-rate.ts';
import { wakeAutomounts } from '../../../shared/pipeline/backup/automounts.ts';
import { listAncestors, listTree } from '../../../shared/pipeline/backup/listing.ts';
import { readMoment } from '../../../shared/pipeline/backup/live-look.ts';
import { findMarks } from '../../../shared/pipeline/backup/marked-folders.ts';
import { sumConfigs } from '../../../shared/pipeline/backup/own-store.ts';
import { packFiles, readRanges } from '../../../shared/pipeline/backup/pack-files.ts';
import { resolvePaths } from '../../../shared/pipeline/backup/paths.ts';
import { probeFiles } from '../../../shared/pipeline/backup/probe-files.ts';
import { readDevice } from '../../../shared/pipeline/backup/read-device.ts';
import { LIVE } from '../../../shared/pipeline/backup/reading-place.ts';
import { readFstab } from '../../../shared/pipeline/backup/system-places.ts';
import { findOpen, readHeads } from '../../../shared/pipeline/backup/unsafe-live.ts';
import { fileParts, headOfFile } from '../../../shared/pipeline/changed/host-commands.ts';
import { dumpCommand } from '../../../shared/pipeline/dump/dump-stream.ts';
import {
  dropEntries,
  dropWork,
  fillMirror,
  listMirror,
  loadRecord,
  publishState,
  storeBeside,
  sumFiles,
} from '../../../shared/pipeline/export/mirror-commands.ts';
import { prepareMirror } from '../../../shared/pipeline/export/mirror-place.ts';
import { findPlace } from '../../../shared/pipeline/export/own-source.ts';
import { copyBeside, lookInSnapshot } from '../../../shared/pipeline/kept/copy-beside.ts';
import { putAwayKept } from '../../../shared/pipeline/kept/mounted.ts';
import { gatherLayout, layoutParts } from '../../../shared/pipeline/layout/gather.ts';
import { lookAtPaths, lookAtTarget } from '../../../shared/pipeline/restore/existing.ts';
import { listLeftWork, makeTree, removeWork } from '../../../shared/pipeline/restore/left-work.ts';
import { tryNames } from '../../../shared/pipeline/restore/name-trial.ts';
import { flushWork, placeRestored } from '../../../shared/pipeline/restore/place.ts';
import { probeTarget } from '../../../shared/pipeline/restore/probe.ts';
import { prepareTarget } from '../../../shared/pipeline/restore/target.ts';
import {
  countRestored,
  dropWorkFolder,
  extractTar,
  publish,
  removeBroken,
} from '../../../shared/pipeline/restore/work-commands.ts';
import { commands } from '../../../shared/quiesce/commands/hook.ts';
import { NOTHING_TO_SAY } from '../../../shared/quiesce/hook.ts';
import { mariadb } from '../../../shared/quiesce/mariadb/hook.ts';
import { pauses } from '../../../shared/quiesce/pause/hook.ts';
import { postgresql } from '../../../shared/quiesce/postgresql/hook.ts';
import { redis } from '../../../shared/quiesce/redis/hook.ts';
import { findAbsent, services } from '../../../shared/quiesce/service/hook.ts';
import { sqlite } from '../../../shared/quiesce/sqlite/hook.ts';
import type { RemoteScript } from '../../../shared/remote/command.ts';
import { identifyAccount } from '../../../shared/remote/identify-account.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { listBlockDevices } from '../../../shared/snapshot/block-devices.ts';
import { subvolumeItem } from '../../../shared/snapshot/btrfs/item.ts';
import { btrfsKept } from '../../../shared/snapshot/btrfs/kept.ts';
import { surveyFileSystems } from '../../../shared/snapshot/btrfs/survey-command.ts';
import { takeSnapshots } from '../../../shared/snapshot/critical-section.ts';
import { endHolds } from '../../../shared/snapshot/holds.ts';
import {
  armLease,
  lookForTraces,
  releaseLease,
  renewLease,
  sweepHost,
} from '../../../shared/snapshot/host/commands.ts';
import { newSaidId } from '../../../shared/snapshot/host/run-folder.ts';
import { takeUpReading } from '../../../shared/snapshot/host/take-up.ts';
import { lookForTurns } from '../../../shared/snapshot/host/turns.ts';
import { identifyHost, mayChangeHost } from '../../../shared/snapshot/identify-host.ts';
import { keepSnapshots } from '../../../shared/snapshot/keep-set.ts';
import { lookAtDevices } from '../../../shared/snapshot/look-at-devices.ts';
import { lvmKept } from '../../../shared/snapshot/lvm/kept.ts';
import { readLvmLimits } from '../../../shared/snapshot/lvm/limits.ts';
import { listLogicalVolumes, listVolumeGroups } from '../../../shared/snapshot/lvm/list.ts';
import { lookAtDevice } from '../../../shared/snapshot/lvm/make/look.ts';
import { workOn } from '../../../shared/snapshot/lvm/make/work.ts';
import { thickItem } from '../../../shared/snapshot/lvm/thick/item.ts';
import { thinItem } from '../../../shared/snapshot/lvm/thin/item.ts';
import { readThinPools } from '../../../shared/snapshot/lvm/thin/pool-status.ts';
import { readUpkeep } from '../../../shared/snapshot/lvm/upkeep-settings.ts';
import { measureMounts } from '../../../shared/snapshot/measure.ts';
import { readMounts } from '../../../shared/snapshot/mountinfo.ts';
import { mountSnapshots, observeSnapshots } from '../../../shared/snapshot/mounting.ts';
import { neededPrograms } from '../../../shared/snapshot/programs.ts';
import type { DetectedVolume } from '../../../shared/snapshot/provider.ts';
import { createRegistry, REGISTRY } from '../../../shared/snapshot/registry.ts';
import { removeKept } from '../../../shared/snapshot/remove-kept.ts';
import { datasetItem } from '../../../shared/snapshot/zfs/item.ts';
import { zfsKept } from '../../../shared/snapshot/zfs/kept.ts';
import { listDatasets } from '../../../shared/snapshot/zfs/survey-command.ts';
import { flagFile } from '../quiesce/flag-file.ts';
import { reading } from '../quiesce/reading.ts';
import { folderCopy } from '../snapshot/folder-copy.ts';

const DEVICE_WORK = {
  ...{ host: 'db1', sequence: '4', group: 'data' },
  device: { path: '/dev/sdb', number: '8:16', sizeBytes: 2 ** 30, says: '' },
};

const run = runId('0123abcd');
const owner = ownerId('00112233aabb');
const hook = flagFile({ path: '/a' }, { path: '/b', holds: 'until-read' });
const registry = createRegistry([...REGISTRY.providers, folderCopy], [hook]);
const { scripts } = registry;
const identity = { run, owner };
const places = [{ target: Buffer.from('/a'), root: Buffer.from('/') }];
const volume = { volume: { id: 'a', label: '/a', mountpoints: ['/a'] }, places } as unknown as DetectedVolume;
const order = {
  ...{ group: 'vg0', origin: 'a', name: 'sp', fsType: 'ext4' },
  ...{ extents: 2, leastExtents: 1, reserveExtents: 1, extentBytes: 1 },
};
const thin = { group: 'vg0', origin: 'a', name: 'sp', fsType: 'ext4', pool: 'pool0', chunkBytes: 65_536 };
const subvolume = {
  ...{ fileSystem: 'f', source: Buffer.from('/dev/a'), device: '0:40', number: 256, path: Buffer.from('a') },
  ...{ root: Buffer.from('/a'), origin: '-', name: 'sp', folder: 'sp.a.-', known: [] },
};
const dataset = {
  ...{ pool: 'tank', poolGuid: '1', dataset: 'tank/a b', guid: '2', name: 'sp', all: ['tank/c@sp', 'tank/a b@sp'] },
  ...{ room: { dataset: 'tank', by: 'available' as const, leastBytes: 1 }, places, knownMounts: [3] },
};
const noHost = { run: async () => [] } as unknown as RemoteHost;
const copies = (await folderCopy.survey(noHost, Promise.resolve([]), never)).plan([volume], identity);
const planned = {} as never;
const items = [
  thickItem({ identity, planned, volume, order }),
  thinItem({ identity, planned, volume, order: thin }),
  thickItem({ identity, planned, volume, order: { ...order, fsType: undefined } }),
  thinItem({ identity, planned, volume, order: { ...thin, fsType: undefined } }),
  subvolumeItem({ planned, volume, order: subvolume }),
  datasetItem({ identity, planned, volume, order: dataset }),
  ...copies.items,
];
const quiesce = [
  ...[
    { of: 'mariadb', socket: '/run/a b.sock', optionFile: '/root/x' },
    { of: 'postgresql', checkpoint: true },
  ],
  ...[
    { of: 'redis', passwordFileOnHost: '/root/redis' },
    { of: 'sqlite', file: '/srv/a b.db' },
    { of: 'pause', what: 'compose:shop' },
  ],
  { of: 'commands', name: 'shop', before: ['/bin/a', "b c'd"], after: ['true'], check: ['true'] },
];
const holds = [
  ...hook.plan({} as never, run, reading()),
  ...services.plan({ stop: ['shop'] } as never, run, reading({ readsLive: true })),
  ...[mariadb, postgresql, redis, sqlite, pauses, commands].flatMap((each) =>
    each.plan({ quiesce } as never, run, reading()),
  ),
  ...redis.plan({ quiesce } as never, run, reading({ look: { ...NOTHING_TO_SAY, facts: { 'way-0': 'file' } } })),
];
const facts = { target: '1:2', work: '1:3', made: 1, uid: 0 };
const known = { path: '/target', id: '1:2' };
const folder = { target: '/target', name: '.stillpoint-restore-a', facts } as never;
const traits = { uid: 0, owners: 'kept', acls: true, attributes: true } as never;

/** The command that a function of ours gives to its host. */
async function given(work: (host: RemoteHost) => Promise<unknown>): Promise<RemoteScript> {
  const { promise, resolve } = Promise.withResolvers<RemoteScript>();
  const host = { run: async (command: RemoteScript) => resolve(command) } as unknown as RemoteHost;
  work(host).catch(() => undefined);
  return await promise;
}

const kept = [btrfsKept(() => undefined, []), lvmKept(() => true, []), zfsKept(() => undefined)];
const keptObject = { id: 'a/spk_0123abcd_00000000', proof: 'p', set: keptBy(run) } as never;
const keeping = kept.map((each) =>
  each.keep(
    {
      ...{ run, owner, provider: 'x', id: 'a/sp_0123abcd_00000000', standing: { seen: { uuid: 'u' } } },
      planned: { snapshot: 'sp_0123abcd_00000000', volumeId: 'v' },
    },
    ['spk.owner=00112233aabb'],
  ),
);
const awayWith = (script: string) => ({
  putAway: { name: 'put-away-kept-snapshot', script, args: [], fields: 0, parse: () => undefined },
});
const keep = keepSnapshots(run, keeping, scripts);

const subvolumes = surveyFileSystems([]);
/** What such a script runs by a shell of its own, in a variable. */
const inside = (script: string): RemoteScript[] =>
  [...script.matchAll(/^SP_[A-Z_]*INSIDE='([^']+)'$/gm)].map(([, text = ''], index) => ({
    ...{ name: `inside ${index}`, script: text, args: [], needs: 'root' },
  }));

/** What a part of a script gives to a shell of its own, as an argument. */
const inArguments: readonly RemoteScript[] = holds.flatMap(({ freeze, prove }) =>
  [freeze, prove].flatMap(({ name, args }) =>
    args
      .filter((arg): arg is string => typeof arg === 'string' && /\n(.*\n)*.*\b(done|esac|fi|exec)\b/.test(arg))
      .map((text, index) => ({ name: `in ${name} ${index}`, script: text, args: [], needs: 'root' as const })),
  ),
);
/** Dumps of every kind, and what a host answers. */
const WISHES: readonly { readonly wish: DumpWish; readonly fields: readonly string[] }[] = [
  { wish: { of: 'mariadb' }, fields: ['mariadb-dump', 'yes', 'sees\t1\nbase\t61', 'user'] },
  { wish: { of: 'postgresql' }, fields: ['/run/postgresql', 'postgres', 'role true true true\nbase 61 true', ''] },
  {
    wish: { of: 'postgresql', how: 'base-backup' },
    fields: ['/run/postgresql', 'postgres', 'role true true true', ''],
  },
  { wish: { of: 'redis' }, fields: ['redis-cli', 'yes'] },
  { wish: { of: 'sqlite', file: '/a' }, fields: ['app', 'wal'] },
  { wish: { of: 'command', name: 'a', command: ['true'] }, fields: [] },
];

export const EVERY_SCRIPT: readonly RemoteScript[] = [
  armLease(scripts, { run, owner, leaseSeconds: 60, mounts: 1, holds: 1 }),
  renewLease(run, 60),
  releaseLease(scripts, run, owner),
  sweepHost(scripts, owner),
  lookForTraces(scripts, owner),
  takeSnapshots(
    {
      ...{ run, owner, holds, creates: items.map(({ create }) => create) },
      turns: [{ name: 'service:shop', label: 'a', lasts: 'run' }],
    },
    scripts,
  ),
  takeSnapshots({ run, owner, holds: [], creates: [] }, createRegistry([], []).scripts),
  mountSnapshots(run, items, scripts),
  observeSnapshots(run, items, scripts),
  endHolds({ run, owner, holds }, scripts),
  { name: 'watch', script: scripts.watch, args: [], needs: 'root' },
  lookForTurns([{ name: 'group:vg0', label: 'a', lasts: 'section' }]),
  identifyAccount,
  identifyHost(neededPrograms(registry)),
  readMounts,
  listBlockDevices,
  measureMounts([]),
  listLogicalVolumes,
  listVolumeGroups,
  readLvmLimits,
  readThinPools,
  readUpkeep,
  lookAtDevice('/dev/sdb', 'data', ['blkid']),
  workOn({ ...DEVICE_WORK, volume: { name: 'files', extents: 100, fileSystem: 'xfs' } }),
  workOn({ ...DEVICE_WORK, volume: undefined }),
  findAbsent(['shop']),
  ...[mariadb, postgresql, redis, sqlite, pauses, commands].flatMap((each) => each.look?.({ quiesce } as never) ?? []),
  askSudo,
  listPrograms,
  placePaths([{ pid: '1', path: Buffer.from('/a') }]),
  lookAtFileSystems([Buffer.from('/a')]),
  watchWrites(['8:0']),
  listDatasets,
  subvolumes,
  keep,
  putAwayKept([awayWith(':')], scripts.functions),
  lookInSnapshot(run, Buffer.from('/run/stillpoint/0123abcd/mnt/0/a')),
  copyBeside({ run, from: Buffer.from('/run/stillpoint/0123abcd/mnt/0/a'), to: Buffer.from('/srv/a') }, 'db1'),
  removeKept(
    kept.map((each) => each.remove(keptObject, owner).remove),
    scripts,
  ),
  await given((host) => btrfsKept(() => undefined, []).look(host, never)),
  await given((host) => zfsKept(() => undefined).look(host, never)),
  ...inArguments,
  ...inside(`${subvolumes.script}\n${scripts.watch}\n${keep.script}`),
  wakeAutomounts([Buffer.from('/a')]),
  ...[LIVE, { kind: 'snapshot', run, top: '/' } as const].flatMap((place) => [
    listTree(place, Buffer.from('/')),
    packFiles(place, Buffer.from('/'), newSaidId()),
    readRanges(place, Buffer.from('/'), Buffer.from('./a'), [{ offset: 1, length: 2 }]),
    headOfFile(place, Buffer.from('/'), Buffer.from('./a')),
    fileParts(place, Buffer.from('/'), Buffer.from('./a'), 'hashes'),
    probeFiles(place, Buffer.from('/'), []),
    sumConfigs(place, [Buffer.from('/a')]),
    readDevice(place),
    findMarks(place, Buffer.from('/'), { caches: true, ifPresent: ['.nobackup'] }),
  ]),
  readMoment,
  takeUpReading(run, newSaidId()),
  readHeads([Buffer.from('/a')]),
  findOpen([Buffer.from('/a')]),
  mayChangeHost,
  readFstab,
  lookAtDevices([Buffer.from('/dev/a')]),
  gatherLayout(layoutParts(registry)),
  ...(await Promise.all(WISHES.map(({ wish }) => given((host) => planDumps([wish], host, never))))),
  ...WISHES.flatMap(({ wish, fields }) =>
    dumperOf(wish)
      .plan(wish, fields)
      .dumps.map((dump) => dumpCommand(dump, 60)),
  ),
  listAncestors([]),
  resolvePaths([]),
  prepareTarget('/target', '.stillpoint-restore-a'),
  lookAtTarget('/target'),
  lookAtPaths(known, [Buffer.from('a')]),
  makeTree(folder, '{}'),
  listLeftWork(known),
  removeWork(known, '.stillpoint-restore-a', '1:2'),
  flushWork(folder),
  placeRestored(folder, '1:2', [{ path: Buffer.from('a'), expected: undefined, bytes: 0 }]),
  probeTarget(folder, facts as never),
  await given((host) => tryNames(host, folder, [{ tree: 'a' as never, path: Buffer.from(''), names: [] }], never)),
  extractTar(folder, [Buffer.from('deep')], traits),
  countRestored(folder),
  removeBroken(folder, [Buffer.from('deep')], [Buffer.from('a')]),
  publish(folder),
  dropWorkFolder(folder),
  findPlace('/mirror'),
  prepareMirror('/mirror', '.stillpoint-incomplete-a', 'the source "a" of "b"'),
  fillMirror(folder, traits),
  listMirror(folder, undefined),
  sumFiles(folder),
  dropEntries(folder, [Buffer.from('a')]),
  storeBeside(folder, 'json'),
  loadRecord(folder, '2026-01-31T08-15-00Z.json'),
  publishState(folder, '2026-01-31T08-15-00Z', 2),
  dropWork(folder),
];

/** Fragments of these scripts, and a script that is ":". */
export const PARTS: readonly string[] = [
  ...['create-lvm-snapshot', 'mount-lvm-snapshot', 'observe-lvm-snapshot', 'show-lvm-snapshot'],
  ...['create-thin-snapshot', 'observe-thin-snapshot'],
  ...['create-dataset-snapshots', 'mount-dataset-snapshot', 'observe-dataset-snapshot'],
  ...['create-subvolume-snapshot', 'mount-subvolume-snapshot', 'observe-subvolume-snapshot'],
  ...['mark-kept-lvm-snapshot', 'rename-kept-lvm-snapshot', 'remove-kept-lvm-snapshot'],
  ...['mark-kept-subvolume', 'rename-kept-subvolume', 'remove-kept-subvolume'],
  ...['mark-kept-dataset-snapshot', 'rename-kept-dataset-snapshot', 'remove-kept-dataset-snapshot'],
  'put-away-kept-snapshot',
  ...['stop-service', 'prove-stopped', 'begin-session', 'prove-session', 'run-before', 'run-check'],
  ...['prove-paused', 'write-out', 'prove-same', 'have-writers-wait', 'prove-held'],
  'be-root',
];
