/**
 * PostgreSQL whose files are of several instants: its log on one volume, its data or a tablespace on another.
 *
 * Why such a copy recovers. It is what a crash at the instant of the log would have left, of a server whose last checkpoint is the
 * one that the hold begins with, and whose writes to the other volumes since their instants had not reached the disk: nothing
 * of what they lack was relied upon, since only a checkpoint does that, and all of it is in the log. For that, three things
 * have to be true, and are made so or proved. The log is of the last instant. No other checkpoint was completed from before the
 * first instant until after the last: so the recovery begins at ours whatever the instant of `global/pg_control` was, and
 * no segment of the log since then was removed. And everything is in the log, which `wal_level` "minimal" does not promise.
 *
 * What a snapshot has is all that was written before its instant, synchronised or not, which is more than a crash leaves: each
 * storage has the file system write it out first.
 */
import type { JoinedInstants, Reading } from '../hook.ts';
import { instantsOfAll, notOfOne, placesOf } from '../one-instant.ts';
import { logOf } from './client.ts';
import { MAY_FLUSH } from './look.ts';

/** What the look found out, of the server that is meant. */
export type ServerFact = (key: 'data' | 'places' | 'standby' | 'log' | 'flush') => string | undefined;

/** How its instants are joined; undefined where there is one. Errors: `quiesce.freeze-failed` where they cannot be. */
export function joinedInstants(label: string, reading: Reading, fact: ServerFact): JoinedInstants | undefined {
  const instants = instantsOfAll(label, reading);
  if (instants.length < 2) return undefined;
  const logs = placesOf(label, reading).filter(({ what }) => what === logOf(label));
  const [last, ...others] = new Set(logs.flatMap(reading.instantsOf));
  const refusal = whyNot(fact) ?? (last === undefined || others.length > 0 ? SCATTERED : undefined);
  if (refusal === undefined && last !== undefined) return { instants, last };
  const { why, advice } = refusal ?? SCATTERED;
  throw notOfOne(
    `The files of ${label} lie on ${instants.length} volumes, whose snapshots are not of one instant, and ${why}.`,
    reading,
    advice,
  );
}

interface Refused {
  readonly why: string;
  readonly advice: string;
}

const SCATTERED: Refused = { why: 'its log is not of one instant itself', advice: '' };

function whyNot(fact: ServerFact): Refused | undefined {
  if (fact('standby') !== 'no')
    return {
      why: 'it is a standby, which may not start on such a copy',
      advice: 'Back up the server that it follows.',
    };
  if (fact('log') !== 'replica' && fact('log') !== 'logical')
    return {
      why: 'its log does not have everything, so that it may not start on such a copy',
      advice: 'Set "wal_level" to "replica" and start it anew.',
    };
  if (fact('flush') !== 'may')
    return {
      why: 'the account that is used on it may not write the checkpoint that such a copy begins with',
      advice: `Give it what it needs: ${MAY_FLUSH}.`,
    };
  return undefined;
}

/** Fails where a copy of several instants would not recover. */
export const UNSAFE_IN_PARTS = `DO $$ BEGIN
  IF pg_is_in_recovery() OR current_setting('wal_level') = 'minimal' THEN
    RAISE EXCEPTION 'it is a standby, or its "wal_level" is "minimal"';
  END IF;
END $$;`;

/** A line "checkpoint LSN REDO TIMELINE" of the one that was completed last. */
export const LAST_CHECKPOINT =
  "SELECT 'checkpoint ' || checkpoint_lsn || ' ' || redo_lsn || ' ' || timeline_id FROM pg_control_checkpoint();";
