/**
 * What runs on a host, as far as it tells where data lies: each program's file and folder, and those of its open files
 * that belong to known stores. The kernel's word, and not that of a program: names of processes anybody can choose.
 */

import type { Mount } from '../../domain/host.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { parseMountinfo } from '../../snapshot/mountinfo.ts';

export interface ProgramAtWork {
  readonly pid: string;
  /** The last part of its file's name. */
  readonly program: string;
  readonly folder: Buffer | undefined;
  /** Those that `OPEN_FILES` asks for. */
  readonly files: readonly Buffer[];
}

export interface ProgramsAtWork {
  readonly programs: readonly ProgramAtWork[];
  /** Without GNU find nothing is seen. */
  readonly isSeen: boolean;
}

/** Open files that say something, as patterns of find(1). */
const OPEN_FILES = [
  ...['*-wal', '*/mongod.lock', '*/WiredTiger.lock', '*/member/snap/db', '*/node.lock', '*/data.mdb'],
  ...['*/volumes/metadata.db', '*.qcow2', '*.qcow', '*.img', '*.raw', '*.vmdk', '*.vdi', '*.vhd', '*.vhdx'],
];

const script: RemoteScript = {
  name: 'list-programs',
  script: `
find /proc/[0-9]*/exe /proc/[0-9]*/cwd /proc/[0-9]*/fd -maxdepth 1 -type l \\( -path '/proc/*/exe' -o -path '/proc/*/cwd' ${OPEN_FILES.map((name) => `-o -lname '${name}'`).join(' ')} \\) -printf '%p\\0%l\\0' 2>/dev/null
printf 'end\\0'`,
  args: [],
  needs: 'either',
};

export const listPrograms: RemoteCommand<ProgramsAtWork> = {
  ...script,
  budgetMs: 120_000,
  repeatable: true,
  parse: ({ stdout }) => {
    const fields = stdout.toString('latin1').split('\0');
    if (fields.pop() !== '' || fields.pop() !== 'end' || fields.length % 2 !== 0)
      throw unreadableOutput(script, 'it is cut', stdout.toString('latin1'));
    const found = new Map<string, { exe?: string; cwd?: Buffer; files: Buffer[] }>();
    for (let at = 0; at < fields.length; at += 2) {
      const [, pid = '', what] = /^\/proc\/(\d+)\/(exe|cwd|fd\/\d+)$/.exec(fields[at] ?? '') ?? [];
      const target = fields[at + 1] ?? '';
      if (what === undefined) throw unreadableOutput(script, 'a link has another name', fields[at] ?? '');
      const one = found.get(pid) ?? { files: [] };
      found.set(pid, one);
      if (what === 'exe') one.exe = target;
      // Where nothing is any more, the kernel says so behind the name.
      else if (!target.startsWith('/') || target.endsWith(' (deleted)')) continue;
      else if (what === 'cwd') one.cwd = Buffer.from(target, 'latin1');
      else one.files.push(Buffer.from(target, 'latin1'));
    }
    return {
      isSeen: fields.length > 0,
      programs: [...found].flatMap(([pid, { exe, cwd, files }]) =>
        exe === undefined ? [] : [{ pid, program: programOf(exe), folder: cwd, files }],
      ),
    };
  },
};

/** A program whose package was upgraded runs on from a file that is gone. */
const programOf = (exe: string): string => exe.replace(/ \(deleted\)$/, '').replace(/^.*\//, '');

/** A path as a process sees it. */
export interface SeenPath {
  readonly pid: string;
  readonly path: Buffer;
}

export interface PlacedPath {
  /** Whether the host has the same at this path; a process in a container has another view. */
  readonly isOfHost: boolean;
  /** What the process has mounted, where its view is another one. */
  readonly mounts: readonly Mount[];
  /** The service of systemd in which it runs. */
  readonly service: string | undefined;
}

/** One for each path; a process that has ended meanwhile has a view of nothing. */
export function placePaths(paths: readonly SeenPath[]): RemoteCommand<readonly PlacedPath[]> {
  const place: RemoteScript = {
    name: 'place-paths',
    script: `
while [ "$#" -ge 2 ]; do
  seen=$(stat -L -c %d:%i -- "/proc/$1/root$2" 2>/dev/null) own=$(stat -L -c %d:%i -- "$2" 2>/dev/null)
  if [ -n "$seen" ] && [ "$seen" = "$own" ]; then printf 'host\\0\\0'
  else printf 'other\\0'; cat "/proc/$1/mountinfo" 2>/dev/null; printf '\\0'; fi
  sed -n 's/^0:://p; s/^[0-9]*:name=systemd://p' "/proc/$1/cgroup" 2>/dev/null | head -n 1; printf '\\0'
  shift 2
done`,
    args: paths.flatMap(({ pid, path }) => [pid, path]),
    needs: 'either',
  };
  return {
    ...place,
    budgetMs: 120_000,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.pop() !== '' || fields.length !== paths.length * 3)
        throw unreadableOutput(place, 'paths are missing', stdout.toString('latin1'));
      return paths.map((_, index) => {
        const [where = '', mounts = '', group = ''] = fields.slice(index * 3);
        if (where !== 'host' && where !== 'other') throw unreadableOutput(place, 'a place is not known', where);
        return {
          isOfHost: where === 'host',
          mounts: parseMountinfo(Buffer.from(mounts, 'latin1'), place),
          service: serviceOf(group),
        };
      });
    },
  };
}

/** The unit of a control group; services of a user's own are not the system's to stop. */
function serviceOf(group: string): string | undefined {
  const [, unit] =
    /^\/system\.slice\/(?:[^/]+\.slice\/)?([A-Za-z0-9][A-Za-z0-9+_.:@-]{0,190})\.service(?:\/|\n|$)/.exec(group) ?? [];
  return unit;
}
