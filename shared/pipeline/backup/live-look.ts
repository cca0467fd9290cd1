/** A look at a live tree: its listing, and when on the host it began. */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { isFresh } from './changed-files.ts';
import { type ListingOrder, type SpooledListing, spoolListing } from './spool.ts';

export interface HostMoment {
  /** What the host's clock showed; ns since 1970. */
  readonly wallClockNs: bigint;
  readonly beforeUptime: number;
}

export interface LiveLook extends HostMoment, AsyncDisposable {
  readonly listing: SpooledListing;
  /** Whether a file was changed so shortly before that it can only be trusted when it is looked at later. */
  readonly hasFresh: boolean;
}

const script: RemoteScript = {
  name: 'read-clock',
  script: `date +%s.%N | tr '\\n' ' '; cut -d ' ' -f 1 /proc/uptime`,
  args: [],
  needs: 'either',
};

export const readMoment: RemoteCommand<HostMoment> = {
  ...script,
  budgetMs: 30_000,
  repeatable: true,
  leavesNoProcess: true,
  parse: ({ stdout }) => {
    // A date(1) without %N prints it as it is.
    const match = /^(\d{1,12})(?:\.(?:(\d{9})|\D*))? (\d+(?:\.\d+)?)\n$/.exec(stdout.toString('latin1'));
    if (match === null) throw unreadableOutput(script, 'it is no time and uptime', stdout.toString('latin1'));
    return {
      wallClockNs: BigInt(match[1] ?? 0) * 1_000_000_000n + BigInt(match[2] ?? 0),
      beforeUptime: Number(match[3]),
    };
  },
};

export async function lookAt(
  host: RemoteHost,
  order: ListingOrder,
  file: string,
  signal: AbortSignal,
): Promise<LiveLook> {
  const moment = await host.run(readMoment, signal);
  let hasFresh = false;
  const select: ListingOrder['select'] = () => {
    const selected = order.select();
    return (entry) => {
      const isWanted = selected(entry);
      if (isWanted && entry.type === 'file') hasFresh ||= isFresh(entry, moment.wallClockNs);
      return isWanted;
    };
  };
  const listing = await spoolListing(host, { ...order, select }, file, signal);
  return { ...moment, listing, hasFresh, [Symbol.asyncDispose]: () => listing[Symbol.asyncDispose]() };
}
