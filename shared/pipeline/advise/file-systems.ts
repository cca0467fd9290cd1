/** How full file systems are, which of them are in trouble, and what fstab and the swap list say of them. */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';

export interface FileSystemRoom {
  readonly sizeBytes: number;
  /** What others than root can still write. */
  readonly availableBytes: number;
}

export interface FileSystemState {
  /** One for each folder that was asked for; undefined where it does not answer. */
  readonly rooms: readonly (FileSystemRoom | undefined)[];
  /** Errors that ext4 has noted, by the kernel's name of the device. */
  readonly errors: ReadonlyMap<string, number>;
  /** Disks that are missing, by the kernel's name of the RAID. */
  readonly degraded: ReadonlyMap<string, number>;
  /** What is mounted at every start, with its options. */
  readonly fstab: readonly { readonly target: Buffer; readonly options: readonly string[] }[];
  /** Files that are swapped to. */
  readonly swapFiles: readonly Buffer[];
}

export function lookAtFileSystems(folders: readonly Buffer[]): RemoteCommand<FileSystemState> {
  const script: RemoteScript = {
    name: 'look-at-file-systems',
    script: `
cat /etc/fstab 2>/dev/null; printf '\\0'
cat /proc/swaps 2>/dev/null; printf '\\0'
for f in /sys/fs/ext4/*/errors_count; do [ -r "$f" ] && read -r n < "$f" && d=\${f%/*} && printf '%s %s\\n' "\${d##*/}" "$n"; done; printf '\\0'
for f in /sys/block/md*/md/degraded; do [ -r "$f" ] && read -r n < "$f" && d=\${f%/md/*} && printf '%s %s\\n' "\${d##*/}" "$n"; done; printf '\\0'
for f do timeout 5 stat -f -c '%S %b %a' -- "$f" 2>/dev/null | tr -d '\\n'; printf '\\0'; done`,
    args: folders,
    needs: 'either',
  };
  return {
    ...script,
    budgetMs: 60_000 + 6_000 * folders.length,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.pop() !== '' || fields.length !== 4 + folders.length)
        throw unreadableOutput(script, 'fields are missing', stdout.toString('latin1'));
      const [fstab = '', swaps = '', errors = '', degraded = '', ...rooms] = fields;
      return {
        rooms: rooms.map((room) => parseRoom(room, script)),
        errors: parseCounts(errors, script),
        degraded: parseCounts(degraded, script),
        fstab: parseFstab(fstab),
        swapFiles: parseSwaps(swaps),
      };
    },
  };
}

function parseRoom(text: string, script: RemoteScript): FileSystemRoom | undefined {
  if (text === '') return undefined;
  const match = /^(\d+) (\d+) (\d+)$/.exec(text);
  if (match === null) throw unreadableOutput(script, 'a size is no number', text);
  const [block, total, available] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return { sizeBytes: block * total, availableBytes: block * available };
}

function parseCounts(text: string, script: RemoteScript): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [, name = '', count] = /^([A-Za-z0-9_!-]+) (\d+)$/.exec(line) ?? [];
      if (count === undefined) throw unreadableOutput(script, 'a count has another form', line);
      return [name, Number(count)] as const;
    }),
  );
}

/** A file of the administrator's: what has another form says nothing. See fstab(5). */
function parseFstab(text: string): FileSystemState['fstab'] {
  return text.split('\n').flatMap((line) => {
    const [device, target, , options] = line.trim().split(/[ \t]+/);
    if (device === undefined || device.startsWith('#') || target?.startsWith('/') !== true) return [];
    return [{ target: unescaped(target), options: (options ?? 'defaults').split(',') }];
  });
}

/** A heading, then "NAME TYPE SIZE USED PRIORITY"; proc(5). */
function parseSwaps(text: string): readonly Buffer[] {
  return text.split('\n').flatMap((line) => {
    const [, name] = /^(\/\S*)\s+file\s/.exec(line) ?? [];
    return name === undefined ? [] : [unescaped(name)];
  });
}

const unescaped = (field: string): Buffer =>
  Buffer.from(
    field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    'latin1',
  );
