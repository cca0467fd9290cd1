/** Lock files as restic writes them: who holds the repository, since when, and whether alone. */
import { z } from 'zod';
import { damagedJson, goJson, parseJson } from './go-json.ts';
import { parseTimestamp, type Timestamp } from './timestamp.ts';

export interface LockFile {
  readonly time: Timestamp;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const schema = z.looseObject({
  time: z.string(),
  exclusive: z.boolean(),
  hostname: z.string().default(''),
  username: z.string().default(''),
  pid: z.number().int().default(0),
  uid: z.number().int().default(0),
  gid: z.number().int().default(0),
});

export function encodeLock(lock: LockFile): Buffer {
  const { time, exclusive, hostname, username, pid, uid, gid } = lock;
  const owner = { ...(uid === 0 ? {} : { uid }), ...(gid === 0 ? {} : { gid }) };
  return Buffer.from(goJson({ time, exclusive, hostname, username, pid, ...owner }));
}

export function decodeLock(json: Buffer, what: string): LockFile {
  const parsed = schema.safeParse(parseJson(json, what));
  if (!parsed.success) throw damagedJson(what, 'is no lock', parsed.error);
  const { exclusive, hostname, username, pid, uid, gid } = parsed.data;
  return { time: parseTimestamp(parsed.data.time), exclusive, hostname, username, pid, uid, gid };
}
