/**
 * What a person writes for something whose id has 64 digits: the id, or the start of it. Whether it can be one at all is seen
 * before anything is asked, because a store may be far away, or silent.
 */
import { StillpointError } from '../base/errors.ts';

/** What a restore point is called beside its id. */
export const LATEST = 'latest';

const ID_START = /^[0-9a-f]{1,64}$/i;

/** restic's way to name a folder in a restore point. */
const WITH_FOLDER = /^([0-9a-f]{1,64}|latest):(\/.*)$/i;

/** Errors: `usage.invalid`. */
export function refuseNoPoint(wanted: string): void {
  if (wanted === LATEST) return;
  const [, point, folder] = WITH_FOLDER.exec(wanted) ?? [];
  const right = `an id, the start of one, or "${LATEST}"; "stillpoint list" shows them, and --repository names a repository`;
  refuseNoId(
    'restore point',
    wanted,
    point === undefined ? right : `the folder as an argument of its own: ${point} ${folder}`,
  );
}

/** Errors: `usage.invalid`. @param right what would be one, and what lists them */
export function refuseNoId(kind: 'restore point' | 'key' | 'pack', wanted: string, right: string): void {
  if (ID_START.test(wanted)) return;
  throw new StillpointError('usage.invalid', `"${wanted}" is not the id of a ${kind}.`, {
    advice: `Give ${right}.`,
    cause: undefined,
  });
}
