/**
 * Mounting the snapshots of a run in the keeper's private namespace, and looking at them after the last read: for each
 * the storage's own fragment, and around it what is the same for all.
 */
import type { RunId } from '../domain/names.ts';
import type { RemoteCommand, RemoteScript } from '../remote/command.ts';
import { FAILED, type FailedPart, FieldReader, joinParts } from '../remote/fragment.ts';
import { definitions } from './host/functions.ts';
import { ENTER, mountPath } from './host/namespace.ts';
import type { HostScripts } from './host/scripts.ts';
import type { MountedSnapshot, PlannedItem, Seen } from './provider.ts';

/** Exit codes of what is the same for all: the keeper is gone; there is no mount where one was made. */
export const MOUNT_EXITS = { keeperGone: 74, notMounted: 77 } as const;

export type MountAnswer =
  | { readonly failed: FailedPart }
  | { readonly mounted: readonly (MountedSnapshot & { readonly path: string })[] };

export interface Observed {
  readonly bootId: string;
  readonly snapshots: readonly { readonly mountLine: string; readonly seen: Seen }[];
}

/** The line of mountinfo, and the number of the root: fields that end with a NUL. */
const PIN = `
sp_pin() {
  sp_enter "$run" /bin/sh -c '
    [ ! -e "$1/not-mounted" ] || exit ${MOUNT_EXITS.notMounted}
    grep -F " $1 " /proc/self/mountinfo | tail -n 1 | tr "\\n" "\\0"
    stat -c %i "$1" | tr "\\n" "\\0"' sh "$1"
}`;

export function mountSnapshots(
  run: RunId,
  items: readonly PlannedItem[],
  scripts: HostScripts,
): RemoteCommand<MountAnswer> {
  const places = items.map((item, index) => {
    const path = mountPath(run, index);
    return { path, fragment: item.mount(path) };
  });
  const parts = joinParts(
    places.map(({ fragment }) => fragment),
    1 + places.length,
  );
  const script: RemoteScript = {
    name: 'mount-snapshots',
    script: [
      ...[definitions(scripts.functions), ENTER, PIN, FAILED, parts.functions],
      'run=$1',
      // What a part printed that then failed is not passed on.
      `part=/run/stillpoint/$run/part.new`,
      ...places.map(
        (_, index) => `{ ${parts.call(index)} && sp_pin "\${${index + 2}}"; } > "$part" || sp_failed ${index + 1} $?
cat "$part"`,
      ),
      'exit 0',
    ].join('\n'),
    args: [run, ...places.map(({ path }) => path), ...parts.args],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 120_000 * Math.max(1, items.length),
    repeatable: false,
    parse: ({ stdout, stderr }) => {
      const reader = new FieldReader(stdout, stderr, script);
      const mounted = [];
      for (const { path, fragment } of places) {
        const failed = reader.failure();
        if (failed !== undefined) return { failed };
        const seen = reader.read(fragment);
        const [mountLine = '', rootInode = ''] = reader.take(2);
        if (!mountLine.includes(` ${path} `) || !/^\d+$/.test(rootInode)) {
          throw reader.unreadable('the mount cannot be recognised');
        }
        mounted.push({ path, mountLine, rootInode, seen });
      }
      reader.end();
      return { mounted };
    },
  };
}

export function observeSnapshots(
  run: RunId,
  items: readonly PlannedItem[],
  scripts: HostScripts,
): RemoteCommand<Observed> {
  const parts = joinParts(
    items.map(({ observe }) => observe),
    1 + items.length,
  );
  const script: RemoteScript = {
    name: 'observe-snapshots',
    script: [
      ...[definitions(scripts.functions), ENTER, parts.functions],
      `run=$1
sp_line() { ( sp_enter "$run" grep -F " $1 " /proc/self/mountinfo ) 2>/dev/null | tail -n 1 | tr -d '\\n'; printf '\\0'; }
tr '\\n' '\\0' < /proc/sys/kernel/random/boot_id`,
      ...items.map((_, index) => `sp_line "\${${index + 2}}"; ${parts.call(index)} || exit 1`),
      'exit 0',
    ].join('\n'),
    args: [run, ...items.map((_, index) => mountPath(run, index)), ...parts.args],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 60_000 * Math.max(1, items.length),
    repeatable: true,
    leavesNoProcess: true,
    parse: ({ stdout, stderr }) => {
      const reader = new FieldReader(stdout, stderr, script);
      const bootId = reader.next();
      const snapshots = items.map(({ observe }) => ({ mountLine: reader.next(), seen: reader.read(observe) }));
      reader.end();
      return { bootId, snapshots };
    },
  };
}
