/** Sizes of mounted file systems, how much was written to them since the host was started, and where their journal is. */
import type { Mount } from '../domain/host.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../remote/command.ts';

interface FileSystemUse {
  readonly sizeBytes: number;
  readonly usedBytes: number;
}

/** The smallest chunk that a write may cost a snapshot. */
export const CHUNK_BYTES = 4096;

/** Reading speed that is assumed until one was measured, in bytes per second. */
export const ASSUMED_READ_BYTES_PER_SECOND = 15 * 1024 * 1024;

export interface Measurement {
  readonly use: FileSystemUse | undefined;
  /**
   * Bytes written in a second, on average since boot; an upper bound of the chunks that a snapshot would have had to
   * save.
   */
  readonly writtenPerSecond: number | undefined;
  /** How many requests those were, on average since boot; {@link CHUNK_BYTES} is counted for each. */
  readonly writesPerSecond: number | undefined;
  /** Only of ext3 and ext4, and where the device could be read. */
  readonly hasExternalJournal: boolean;
}

/** A mounted file system and the name of its device under /dev/mapper. */
export interface MeasuredMount {
  readonly mount: Mount;
  readonly mapper: string;
}

/** One measurement for each mount, in order. A file system that does not answer in 5 s is left unmeasured. */
export function measureMounts(mounts: readonly MeasuredMount[]): RemoteCommand<readonly Measurement[]> {
  const script: RemoteScript = {
    name: 'measure-mounts',
    script: `
cut -d ' ' -f 1 /proc/uptime | tr '\\n' '\\0'
while [ "$#" -ge 3 ]; do
  timeout 5 stat -f -c '%S %b %f' -- "$1" 2>/dev/null | tr -d '\\n'; printf '\\0'
  [ ! -r "/sys/dev/block/$2/stat" ] || tr -d '\\n' < "/sys/dev/block/$2/stat"; printf '\\0'
  # The superblock of ext: the inode of the journal, and the device of one that is elsewhere.
  [ -z "$3" ] || dd "if=/dev/mapper/$3" bs=1024 skip=1 count=1 2>/dev/null </dev/null | od -An -v -tu4 -j224 -N8 | tr -d '\\n'; printf '\\0'
  shift 3
done`,
    args: mounts.flatMap(({ mount, mapper }) => [mount.target, mount.device, isExt(mount) ? mapper : '']),
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 60_000 + 6_000 * mounts.length,
    repeatable: true,
    leavesNoProcess: true,
    parse: (output) => {
      const fields = output.stdout.toString('latin1').split('\0');
      const uptime = fields.shift() ?? '';
      if (fields.length !== mounts.length * 3 + 1 || !/^\d+(\.\d+)?$/.test(uptime))
        throw unreadableOutput(script, 'fields are missing', fields.join('|'));
      const seconds = Math.max(Number(uptime), 1);
      return mounts.map((_, index) => {
        const written = parseWritten(fields[index * 3 + 1] ?? '');
        return {
          use: parseUse(fields[index * 3] ?? ''),
          writtenPerSecond: written && (written.bytes + written.requests * CHUNK_BYTES) / seconds,
          writesPerSecond: written && written.requests / seconds,
          hasExternalJournal: /^\s*0\s+[1-9]\d*\s*$/.test(fields[index * 3 + 2] ?? ''),
        };
      });
    },
  };
}

const isExt = (mount: Mount): boolean => mount.fsType === 'ext3' || mount.fsType === 'ext4';

function parseUse(text: string): FileSystemUse | undefined {
  const match = /^(\d+) (\d+) (\d+)$/.exec(text);
  if (match === null) return undefined;
  const [block, total, free] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return { sizeBytes: block * total, usedBytes: block * (total - free) };
}

/** Block statistics of the kernel: field 5 is write requests, field 7 sectors of 512 bytes written. */
function parseWritten(text: string): { readonly bytes: number; readonly requests: number } | undefined {
  const fields = text.trim().split(/\s+/).map(Number);
  const [requests, sectors] = [fields[4], fields[6]];
  return requests === undefined || sectors === undefined ? undefined : { bytes: sectors * 512, requests };
}
