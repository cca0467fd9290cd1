/** What a host says of a lease when it is renewed: that it lives, and what its guard saw. */
import { type RemoteScript, unreadableOutput } from '../../remote/command.ts';

/** What the guard has seen of one snapshot. Bytes. */
export interface GuardReading {
  /** Its id on the host. */
  readonly snapshot: string;
  readonly usedBytes: number;
  readonly totalBytes: number;
}

/** What the guard has seen last of what a snapshot shares with its origin. */
interface GuardShare {
  readonly snapshot: string;
  readonly where: string;
  readonly what: string;
  /** Bytes; at the limit the run is given up. */
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** Why the watchman gave the snapshots of a run up. */
export interface Threat {
  /** The snapshot that was a threat, by its id on the host. */
  readonly snapshot: string;
  /** What it shares with its origin. */
  readonly where: string;
  /** What was running out there, or the state that it was in. */
  readonly what: string;
  /** Bytes; both 0 where it is about a state. */
  readonly usedBytes: number;
  readonly totalBytes: number;
}

export interface LeaseState {
  /** `unwatched`: the watchman is gone, so nothing would clean up after us. */
  readonly state: 'alive' | 'gone' | 'unwatched';
  readonly peaks: readonly GuardReading[];
  readonly shares: readonly GuardShare[];
  /** Snapshots that overflowed. */
  readonly full: readonly string[];
  /** Snapshots that are not there any more as they were made. */
  readonly gone: readonly string[];
  readonly threat: Threat | undefined;
  /** Of the host, in seconds, when this was said; only while it lives. */
  readonly uptimeSeconds?: number | undefined;
}

/** Strict. */
export function parseLeaseState(stdout: Buffer, script: RemoteScript): LeaseState {
  const records = stdout.toString('latin1').split('\0');
  const first = records[0];
  if (records.pop() !== '' || (first !== 'alive' && first !== 'gone' && first !== 'unwatched')) {
    throw unreadableOutput(script, 'it does not begin with the state', stdout.toString('latin1'));
  }
  const peaks: GuardReading[] = [];
  const shares: GuardShare[] = [];
  const [full, gone]: [string[], string[]] = [[], []];
  let threat: Threat | undefined;
  let uptimeSeconds: number | undefined;
  for (const record of records.slice(1)) {
    const [word, snapshot = '', used = '', total = ''] = record.split(' ');
    if (word === 'uptime' && /^\d+(\.\d+)?$/.test(snapshot)) uptimeSeconds = Number(snapshot);
    else if (word === 'threat') threat = parseFill(word, record, script);
    else if (word === 'share') {
      const { totalBytes: limitBytes, ...share } = parseFill(word, record, script);
      shares.push({ ...share, limitBytes });
    } else if (word === 'peak' && /^\d+$/.test(used) && /^\d+$/.test(total)) {
      peaks.push({ snapshot, usedBytes: Number(used), totalBytes: Number(total) });
    } else if (word === 'full') full.push(snapshot);
    else if (word === 'gone') gone.push(snapshot);
    else throw unreadableOutput(script, 'a record is unknown', record);
  }
  return { state: first, peaks, shares, full, gone, threat, uptimeSeconds };
}

/** "WORD ID WHERE WHAT USED TOTAL" */
function parseFill(word: string, record: string, script: RemoteScript): Threat {
  const [, snapshot, where, what, used, total] = /^\S+ (\S+) (\S+) (\S+) (\d+) (\d+)$/.exec(record) ?? [];
  if (snapshot === undefined || where === undefined || what === undefined) {
    throw unreadableOutput(script, `a ${word} has another form`, record);
  }
  return { snapshot, where, what, usedBytes: Number(used), totalBytes: Number(total) };
}
