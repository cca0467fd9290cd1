/**
 * What a backup and its plan have in common: look at the host, resolve the paths, find the volumes, size the snapshots.
 * Nothing here changes the host, except that idle automounts below the paths are looked at.
 */

import { displayName } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { StillpointError } from '../base/errors.ts';
import { compileExcludes, type ExcludePatterns } from '../domain/exclude-patterns.ts';
import type { RunId } from '../domain/names.ts';
import { hasDumpsAlone, type SourceScope } from '../domain/source.ts';
import type { PlannedDump } from '../dump/dump.ts';
import { planDumps } from '../dump/plan-dumps.ts';
import { HOLD_WORDS } from '../quiesce/hold-words.ts';
import type { HoldLook, Hook } from '../quiesce/hook.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { lookAtDevices } from '../snapshot/look-at-devices.ts';
import { isWithin } from '../snapshot/mountinfo.ts';
import { lackOf, type ProgramUser } from '../snapshot/programs.ts';
import type { SnapshotWish } from '../snapshot/provider.ts';
import type { Registry } from '../snapshot/registry.ts';
import { planSnapshots, type SnapshotPlan, usersOf } from '../snapshot/snapshot-set.ts';
import { afterSweep, type Survey, surveyHost } from '../snapshot/survey.ts';
import { idleAutomounts, refuseAutomount, wakeAutomounts } from './backup/automounts.ts';
import { coverDevices, notesOfDevices, type SourceDevice } from './backup/devices.ts';
import { ownFoldersOf } from './backup/own-folders.ts';
import { type Coverage, coverPaths, isLeftOut, type ResolvedPath, resolvePaths } from './backup/paths.ts';
import { requireReachable } from './backup/require-proof.ts';
import { notesOfUnmountedPlaces, readFstab } from './backup/system-places.ts';
import { foreseenOf } from './foreseen.ts';
import { lookAtHolds, requireSaved, savedFrom, treesBelow } from './look-at-holds.ts';

export interface Preparation {
  readonly survey: Survey;
  readonly coverage: Coverage;
  /** Saved as images; their volumes are among those of the coverage. */
  readonly devices: readonly SourceDevice[];
  /** What programs of the host are going to write out. */
  readonly dumps: readonly PlannedDump[];
  readonly exclude: ExcludePatterns;
  /** Where what is held still has its files, by real paths. */
  readonly heldPlaces: readonly Buffer[];
  readonly snapshots: SnapshotPlan;
  /** What dead runs of ours left and a sweep removes before anything else, as commands of the host. */
  readonly removes: readonly string[];
}

export interface PreparePorts {
  readonly host: RemoteHost;
  readonly clock: Clock;
  readonly registry: Registry;
  /** See `CoverageTerms`. */
  readonly isKept?: boolean;
}

/** @param dead runs that a sweep is going to remove; none where it has */
export async function prepare(
  source: SourceScope,
  identity: SnapshotWish,
  dead: readonly RunId[],
  { host, clock, registry, isKept = false }: PreparePorts,
  signal: AbortSignal,
): Promise<Preparation> {
  const exclude = compileExcludes(source.exclude);
  const mayReadLive = source.withoutSnapshot === 'read-live';
  const oneFileSystem = source.leaveOut?.otherFileSystems === true;
  const withoutRoot = mayReadLive || hasDumpsAlone(source) ? 'look' : 'refuse';
  const look = async () =>
    afterSweep(await surveyHost(host, { clock, registry, withoutRoot }, signal), identity.owner, dead);
  // Resolving a path may itself wake an automount on the way.
  const own = ownFoldersOf(source).map((name) => Buffer.from(`/${name}`));
  const resolving = host.run(resolvePaths([...source.paths, ...own]), signal);
  resolving.catch(() => undefined);
  let { survey, removes } = await look();
  const requirePrograms = (users: readonly ProgramUser[]): void => {
    const lack = lackOf(survey.identity, users, host.name);
    if (lack !== undefined) throw lack;
  };
  requirePrograms([]);
  const asked = await resolving;
  const resolved = asked.slice(0, source.paths.length);
  const idle = idleAutomounts(resolved, survey.mounts, exclude);
  if (idle.length > 0) {
    await host.run(wakeAutomounts(idle.map(({ target }) => target)), signal);
    ({ survey, removes } = await look());
    const [still] = idleAutomounts(resolved, survey.mounts, exclude);
    // What belongs to a system and did not come is looked for in fstab.
    if (still !== undefined && source.system !== true) throw refuseAutomount(still, host.name);
  }
  // The freeze would find it out too, in a run that has begun.
  const holds = survey.identity.isRoot ? await lookAtHolds(source, registry, host, signal) : new Map<Hook, HoldLook>();
  const heldPlaces = [...holds.values()].flatMap(({ places }) => places.map(({ path }) => path));
  const isSystem = source.system === true;
  const terms = { exclude, host: host.name, mayReadLive, isKept, oneFileSystem, isSystem, heldPlaces };
  const covered = coverPaths(resolved, survey, terms);
  const expected = isSystem ? await host.run(readFstab, signal) : [];
  const isSaved = (place: Buffer): boolean => !isLeftOut(place, ROOT, exclude);
  requireOwnFolders(ownFoldersOf(source), covered);
  const { devices: named = [] } = source;
  const looks = named.length === 0 ? [] : await host.run(lookAtDevices(named), signal);
  const devices = coverDevices(looks, survey, { host: host.name, trees: covered.trees });
  const { dumps, notes: notesOfDumps } = await planDumps(source.dumps ?? [], host, signal);
  const coverage = {
    ...covered,
    volumes: [...covered.volumes, ...devices.map(({ volume }) => volume)],
    notes: [
      ...covered.notes,
      ...notesOfDevices(devices),
      ...notesOfDumps,
      ...notesOfUnmountedPlaces(expected.filter(isSaved), survey.mounts),
      ...hiddenByOwn(asked.slice(source.paths.length), covered),
    ],
  };
  const saved = { coverage, devices, exclude, survey };
  requireSaved(holds, saved, host.name);
  const snapshots = planSnapshots(coverage.volumes, source, {
    ...{ survey, registry, identity, looks: holds },
    readsLive: coverage.trees.some(({ isLive }) => isLive),
    originsOf: (path) => {
      const origin = savedFrom(path, saved);
      const below = treesBelow(path, coverage).map((tree) => (tree.isLive ? undefined : tree.volume));
      return [origin === 'live' ? undefined : origin, ...below];
    },
  });
  requirePrograms(usersOf(snapshots, registry));
  requireRoot(snapshots, survey, host.name);
  requireReachable(source, foreseenOf({ coverage, dumps, snapshots }));
  return { survey, coverage, devices, dumps, exclude, heldPlaces, snapshots, removes };
}

const ROOT = Buffer.alloc(0);

/** A path of the source that lies where the restore point has a folder of ours would be lost behind it. */
function requireOwnFolders(own: readonly string[], { trees }: Coverage): void {
  for (const { path } of trees) {
    const folder = own.find((name) => isWithin(path, Buffer.from(`/${name}`)));
    if (folder === undefined) continue;
    throw new StillpointError(
      'config.invalid',
      `"${displayName(path)}" has the name of a folder that the restore point has of its own.`,
      {
        advice: 'Give it another name on the host, or a source of its own without "system", "devices" and "dumps".',
        cause: undefined,
      },
    );
  }
}

/** What the host has where a restore point has a folder of ours. */
function hiddenByOwn(own: readonly ResolvedPath[], { trees }: Coverage): readonly string[] {
  if (!trees.some(({ path }) => path.length === 1)) return [];
  return own
    .filter(({ real, brokenLink }) => real.length > 0 || brokenLink !== undefined)
    .map(
      ({ asked }) =>
        `"${displayName(asked)}" on the host is left out: in a restore point this is a folder of ours, and what is there came from a restore. Remove it, or give it another name.`,
    );
}

/** Who is not root there has all read live, but what is to be held still needs root all the same. */
function requireRoot({ holds }: SnapshotPlan, { identity }: Survey, host: string): void {
  const [hold] = holds;
  if (hold === undefined || identity.isRoot) return;
  throw new StillpointError(
    'remote.sudo-refused',
    `Only root can ${HOLD_WORDS[hold.guarantees].begin(hold.label)} on "${host}", and we are not root there.`,
    {
      advice: 'Set "sudo" to "passwordless" or "password" for this host, log in as root, or take it out of the source.',
      details: { host, hold: `${hold.kind}:${hold.id}` },
      cause: undefined,
    },
  );
}
