/** Names as device-mapper has them. */

import { setOfName } from '../../domain/kept-name.ts';
import { type Turn, turnOf } from '../../domain/turn.ts';

/** How device-mapper calls a logical volume: hyphens in names are doubled, one hyphen joins group and volume. */
export function deviceMapperName(group: string, volume: string): string {
  return `${group.replaceAll('-', '--')}-${volume.replaceAll('-', '--')}`;
}

/** The device behind a thin pool, which alone has the pool's status; the pool's own name is a layer on top of it. */
export const poolMapperName = (group: string, pool: string): string => `${deviceMapperName(group, pool)}-tpool`;

/** What has the form of a kept snapshot, whoever made it. */
export const looksKept = (name: string): boolean => setOfName(name) !== undefined;

/** What has the form of a snapshot of ours is for a sweep to judge. */
export const looksLikeOurs = (name: string): boolean => /^sp_[0-9a-f]{8}_.{8}$/.test(name);

/** LVM itself lets one command into a group at a time, and what is planned is planned with the room of the whole group. */
export const turnOfGroup = (group: string): Turn => turnOf('group', group, `the volume group "${group}"`);
