/** A target that can hold everything, such as ext4 as root. */
import type { TargetTraits } from '../../shared/pipeline/restore/fit-node.ts';

export const LINUX_TARGET: TargetTraits = {
  uid: 0,
  gid: 0,
  owners: 'kept',
  permissions: true,
  acls: true,
  attributes: true,
  symlinks: true,
  hardLinks: true,
  pipes: true,
  devices: true,
  exactNames: true,
  exactTimes: true,
  oldest: undefined,
  newest: undefined,
};
