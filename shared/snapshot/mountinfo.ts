/**
 * `/proc/self/mountinfo`, the kernel's own word on what is mounted where. Its form is in proc(5): id, parent id,
 * major:minor, root, target, options, optional fields up to a lone "-", type, source, super options. Blank, tab,
 * newline and backslash are written as octal escapes, so a line is a line whatever a folder is called.
 */
import type { Mount } from '../domain/host.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../remote/command.ts';

export const readMounts: RemoteCommand<readonly Mount[]> = {
  name: 'read-mounts',
  script: 'cat /proc/self/mountinfo',
  args: [],
  needs: 'user',
  budgetMs: 60_000,
  repeatable: true,
  leavesNoProcess: true,
  parse: (output) => parseMountinfo(output.stdout, readMounts),
};

export function parseMountinfo(text: Buffer, command: RemoteScript): readonly Mount[] {
  const lines = text.toString('latin1').split('\n');
  if (lines.pop() !== '') throw unreadableOutput(command, 'the last line is cut', text.toString('latin1'));
  return lines.map((line) => parseLine(line, command));
}

function parseLine(line: string, command: RemoteScript): Mount {
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  const [id, parentId, device, root, target, options] = fields;
  const [fsType, source, superOptions] = fields.slice(dash + 1);
  const whole = dash >= 6 && fsType !== undefined && source !== undefined && target !== undefined;
  if (!whole || !/^\d+$/.test(id ?? '') || !/^\d+$/.test(parentId ?? '') || !/^\d+:\d+$/.test(device ?? '')) {
    throw unreadableOutput(command, 'a line of mountinfo has another form', line);
  }
  return {
    id: Number(id),
    parentId: Number(parentId),
    device: device ?? '',
    root: unescape(root ?? ''),
    target: unescape(target),
    options: (options ?? '').split(','),
    fsType,
    source: unescape(source),
    superOptions: (superOptions ?? '').split(','),
  };
}

/** `\040` and the like to bytes. */
function unescape(field: string): Buffer {
  return Buffer.from(
    field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    'latin1',
  );
}

/** Whether `path` is `ancestor` or lies below it, by whole components. */
export function isWithin(path: Buffer, ancestor: Buffer): boolean {
  if (path.equals(ancestor) || ancestor.equals(Buffer.from('/'))) return true;
  return (
    path.length > ancestor.length &&
    path[ancestor.length] === 0x2f &&
    path.subarray(0, ancestor.length).equals(ancestor)
  );
}

/**
 * The mount that a path is on, found as the kernel finds it: from the root, at each step the first mount on the way
 * that lies on the present one. The longest target would be wrong: a mount on an upper folder hides those below it.
 */
export function mountOf(path: Buffer, mounts: readonly Mount[]): Mount | undefined {
  const ids = new Set(mounts.map((mount) => mount.id));
  const tops = mounts.filter((mount) => mount.parentId === mount.id || !ids.has(mount.parentId));
  let current = nearest(path, tops);
  for (;;) {
    const here = current;
    if (here === undefined) return undefined;
    const next = nearest(
      path,
      mounts.filter((mount) => mount.parentId === here.id && mount !== here),
    );
    if (next === undefined) return here;
    current = next;
  }
}

/** Of those that hold the path the one with the shortest target; of several on one target the last. */
function nearest(path: Buffer, mounts: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    if (isWithin(path, mount.target) && (best === undefined || mount.target.length <= best.target.length)) best = mount;
  }
  return best;
}

/** Mounts strictly below a path: what a snapshot of the path's own file system does not contain. */
export function mountsBelow(path: Buffer, mounts: readonly Mount[]): readonly Mount[] {
  return mounts.filter(
    (mount) => !mount.target.equals(path) && isWithin(mount.target, path) && mountOf(mount.target, mounts) === mount,
  );
}
