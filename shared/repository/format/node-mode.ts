/** The `mode` of a node is Go's os.FileMode, whose bits are not those of st_mode. Source: Go's io/fs documentation. */
import type { NodeType } from '../node.ts';

const SETUID = 1 << 23;
const SETGID = 1 << 22;
const STICKY = 1 << 20;

const TYPE_BITS: Readonly<Record<NodeType, number>> = {
  file: 0,
  dir: 2 ** 31,
  symlink: 2 ** 27,
  dev: 2 ** 26,
  chardev: 2 ** 26 + 2 ** 21,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  irregular: 2 ** 19,
};

/** @param mode the low twelve bits of st_mode */
export function toGoMode(type: NodeType, mode: number): number {
  const special =
    ((mode & 0o4000) !== 0 ? SETUID : 0) + ((mode & 0o2000) !== 0 ? SETGID : 0) + ((mode & 0o1000) !== 0 ? STICKY : 0);
  return TYPE_BITS[type] + special + (mode & 0o777);
}

export function fromGoMode(goMode: number): number {
  return (
    (goMode & 0o777) |
    ((goMode & SETUID) !== 0 ? 0o4000 : 0) |
    ((goMode & SETGID) !== 0 ? 0o2000 : 0) |
    ((goMode & STICKY) !== 0 ? 0o1000 : 0)
  );
}
