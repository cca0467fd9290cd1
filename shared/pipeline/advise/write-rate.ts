/** How much is written to block devices at this moment: the kernel's counters, read twice. */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { CHUNK_BYTES } from '../../snapshot/measure.ts';

/** So long is looked: short enough to wait for, and long enough for what a journal writes every few seconds. */
const LOOK_SECONDS = 6;

export interface WriteRate {
  readonly bytesPerSecond: number;
  /** What a snapshot would have to save for it at the most: each request touches a chunk. */
  readonly costPerSecond: number;
}

/** One for each device, "major:minor"; undefined where the kernel counts nothing, as for Btrfs. */
export function watchWrites(devices: readonly string[]): RemoteCommand<readonly (WriteRate | undefined)[]> {
  const script: RemoteScript = {
    name: 'watch-writes',
    script: `
sp_look() {
  cut -d ' ' -f 1 /proc/uptime | tr '\\n' '\\0'
  for d do [ ! -r "/sys/dev/block/$d/stat" ] || tr -d '\\n' < "/sys/dev/block/$d/stat"; printf '\\0'; done
}
seconds=$1
shift
sp_look "$@"
sleep "$seconds"
sp_look "$@"`,
    args: [String(LOOK_SECONDS), ...devices],
    needs: 'user',
  };
  return {
    ...script,
    budgetMs: 60_000 + LOOK_SECONDS * 1000,
    repeatable: true,
    parse: ({ stdout }) => {
      const text = stdout.toString('latin1');
      const fields = text.split('\0');
      const half = devices.length + 1;
      if (fields.pop() !== '' || fields.length !== 2 * half) throw unreadableOutput(script, 'fields are missing', text);
      const seconds = Number(fields[half]) - Number(fields[0]);
      if (!(seconds > 0)) throw unreadableOutput(script, 'the uptime does not grow', text);
      return devices.map((_, index) => {
        const [before, after] = [countsOf(fields[index + 1] ?? ''), countsOf(fields[half + index + 1] ?? '')];
        if (before === undefined || after === undefined) return undefined;
        const bytes = Math.max(0, after.bytes - before.bytes);
        const requests = Math.max(0, after.requests - before.requests);
        return { bytesPerSecond: bytes / seconds, costPerSecond: (bytes + requests * CHUNK_BYTES) / seconds };
      });
    },
  };
}

/** Field 5 is write requests, field 7 sectors of 512 bytes written; the kernel's Documentation/block/stat. */
function countsOf(text: string): { readonly bytes: number; readonly requests: number } | undefined {
  const fields = text.trim().split(/\s+/);
  const [requests, sectors] = [fields[4], fields[6]];
  if (requests === undefined || sectors === undefined || !/^\d+$/.test(requests) || !/^\d+$/.test(sectors))
    return undefined;
  return { bytes: Number(sectors) * 512, requests: Number(requests) };
}
