/** Lock files as restic writes them: who holds the repository, since when, and whether alone. */
import { z } from 'zod';
import type { ProcessIdentity } from '../../base/process-identity.ts';
import { type Timestamp } from '../timestamp.ts';
import { damagedJson, goJson, parseJson } from './go-json.ts';
import { parseTimestamp } from './read-text.ts';

export interface LockFile {
  readonly time: Timestamp;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Our addition, which restic passes over; undefined in locks of restic, and where the system does not tell. */
  readonly holder?: LockHolder | undefined;
}

/** By which others can tell whether the holder lives: a host name and a pid are given again, and in containers twice. */
export type LockHolder = Omit<ProcessIdentity, 'hostname' | 'pid'>;

const holderSchema = z.object({ start: z.string(), boot: z.string(), namespace: z.string(), machine: z.string() });

const schema = z.looseObject({
  time: z.string(),
  exclusive: z.boolean(),
  hostname: z.string().default(''),
  username: z.string().default(''),
  pid: z.number().int().default(0),
  uid: z.number().int().default(0),
  gid: z.number().int().default(0),
  // A later version may say it in another way; then it is as if it were not said.
  stillpoint: holderSchema.optional().catch(undefined),
});

export function encodeLock(lock: LockFile): Buffer {
  const { time, exclusive, hostname, username, pid, uid, gid, holder } = lock;
  const owner = { ...(uid === 0 ? {} : { uid }), ...(gid === 0 ? {} : { gid }) };
  const { start, boot, namespace, machine } = holder ?? {};
  const stillpoint = holder && { start, boot, namespace, machine };
  return Buffer.from(goJson({ time, exclusive, hostname, username, pid, ...owner, stillpoint }));
}

export function decodeLock(json: Buffer, what: string): LockFile {
  const parsed = schema.safeParse(parseJson(json, what));
  if (!parsed.success) throw damagedJson(what, 'is not a lock', parsed.error);
  const { exclusive, hostname, username, pid, uid, gid, stillpoint: holder } = parsed.data;
  return { time: parseTimestamp(parsed.data.time, what), exclusive, hostname, username, pid, uid, gid, holder };
}
