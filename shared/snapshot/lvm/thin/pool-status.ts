/**
 * What the kernel says of thin pools. LVM has percentages of them, rounded and at times a moment old; what decides
 * whether a snapshot may be made, and whether what was read from one may be believed, are the numbers themselves.
 */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../../remote/command.ts';
import { METADATA_BLOCK_BYTES } from './gates.ts';

/** Used and all blocks. */
interface Blocks {
  readonly used: number;
  readonly total: number;
}

export interface PoolStatus {
  /** By which a volume of LVM's is found, see `names.ts`. */
  readonly mapper: string;
  readonly metadata: Blocks;
  readonly data: Blocks;
  readonly mode: PoolMode;
  readonly needsCheck: boolean;
}

/** "failed": the kernel has given it up, and says no numbers. */
type PoolMode = 'rw' | 'ro' | 'out_of_data_space' | 'failed';

export interface Pools {
  readonly statuses: readonly PoolStatus[];
  /** device-mapper's names of whatever is suspended. */
  readonly suspended: ReadonlySet<string>;
}

export const NO_POOLS: Pools = { statuses: [], suspended: new Set() };

/** Without a flush, which would make each pool write its metadata. */
const script: RemoteScript = {
  name: 'read-thin-pools',
  script: `
timeout 60 dmsetup status --noflush --target thin-pool </dev/null || exit 1; printf '\\0'
timeout 60 dmsetup info -c --noheadings --separator '|' -o suspended,name </dev/null || exit 1; printf '\\0'`,
  args: [],
  needs: 'root',
};

export const readThinPools: RemoteCommand<Pools> = {
  ...script,
  budgetMs: 150_000,
  repeatable: true,
  leavesNoProcess: true,
  parse: ({ stdout }) => {
    const text = stdout.toString('latin1');
    const [statuses, devices, rest] = text.split('\0');
    if (statuses === undefined || devices === undefined || rest !== '') {
      throw unreadableOutput(script, 'it is not two lists', text);
    }
    return {
      statuses: lines(statuses).map((line) => parseStatus(line) ?? refuse('a pool is described in another form', line)),
      suspended: new Set(lines(devices).flatMap((line) => suspendedDevice(line))),
    };
  },
};

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('No devices found'));
}

function refuse(why: string, line: string): never {
  throw unreadableOutput(script, why, line);
}

function suspendedDevice(line: string): readonly string[] {
  const [, state, name] = /^(Suspended|Active|\(?None\)?)\|(\S+)$/.exec(line.trim()) ?? [];
  if (name === undefined) refuse('a device is described in another form', line);
  return state === 'Suspended' ? [name] : [];
}

/** "NAME: 0 LENGTH thin-pool …", as of `dmsetup status` for several devices. */
function parseStatus(line: string): PoolStatus | undefined {
  const colon = line.indexOf(': ');
  const status = colon < 0 ? undefined : parsePoolStatus(line.slice(colon + 2));
  return status && { ...status, mapper: line.slice(0, colon) };
}

/**
 * "0 LENGTH thin-pool TRANSACTION USED/TOTAL USED/TOTAL HELD MODE …", metadata before data; undefined for anything else.
 * What follows the mode differs from kernel to kernel.
 */
export function parsePoolStatus(status: string): Omit<PoolStatus, 'mapper'> | undefined {
  const [start, , target, ...words] = status.trim().split(' ');
  if (start !== '0' || target !== 'thin-pool') return undefined;
  const none = { used: 0, total: 0 };
  if (words[0] === 'Fail' || words[0] === 'Error') {
    return { metadata: none, data: none, mode: 'failed', needsCheck: false };
  }
  const [transaction = '', metadata = '', data = '', , mode, ...flags] = words;
  const [own, theirs] = [parseBlocks(metadata), parseBlocks(data)];
  if (!/^\d+$/.test(transaction) || own === undefined || theirs === undefined) return undefined;
  if (mode !== 'rw' && mode !== 'ro' && mode !== 'out_of_data_space') return undefined;
  return { metadata: own, data: theirs, mode, needsCheck: flags.includes('needs_check') };
}

function parseBlocks(text: string): Blocks | undefined {
  const [, used, total] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  return used === undefined || Number(total) === 0 ? undefined : { used: Number(used), total: Number(total) };
}

/** The room of a pool in bytes, by what it is of. */
export function roomOf({ metadata, data }: PoolStatus, chunkBytes: number): Record<'data' | 'metadata', Blocks> {
  const bytes = ({ used, total }: Blocks, block: number): Blocks => ({ used: used * block, total: total * block });
  return { data: bytes(data, chunkBytes), metadata: bytes(metadata, METADATA_BLOCK_BYTES) };
}
