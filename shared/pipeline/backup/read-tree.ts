/**
 * One tree from listing to stored trees. As a rule in one pass; where the host's tar could not read something, what
 * came in the first pass is compared with the listing in a second one as a parent restore point would be, and only what
 * is in doubt is asked for again. What fails twice is left out, by name, in a third.
 *
 * Invariant: content of which tar said that it could not read all of it is in no tree that is returned. Such a file may
 * be filled up with zeros, and it is known only when tar has ended.
 */
import { displayName } from '../../base/bytes.ts';
import { invariant, StillpointError } from '../../base/errors.ts';
import type { Node } from '../../repository/node.ts';
import type { Complaint } from './complaints.ts';
import { ParentView } from './parent-view.ts';
import type { ShortFile } from './probe-files.ts';
import { baseOf, readPass } from './read-pass.ts';
import type { TreePorts, TreeToRead } from './tree-to-read.ts';
import type { Pass } from './walk.ts';

/** Asking again costs a disk that is dying many seconds for each bad sector; this many are tried, no more. */
const MOST_TRIED_AGAIN = 100;

/** Resolves to the root's node. Nothing of it is durable before the writer was flushed. */
export async function readTree(tree: TreeToRead, ports: TreePorts, signal: AbortSignal): Promise<Node> {
  const { counts, omissions, sink } = ports;
  const before = counts.walked();
  const parent = (): ParentView => new ParentView(sink, tree.parentRoot);
  let pass: Pass = { parent: parent(), earlier: undefined, doubtful: new Map(), unreadable: new Map() };
  for (;;) {
    const { node, failures, remarks, others } = await readPass(tree, pass, ports, signal);
    omissions.lackAttributes(baseOf(tree), remarks, others);
    if (failures.length === 0) {
      if (node === undefined) throw nothingReadable(tree, [...pass.unreadable.values()]);
      return node;
    }
    tree.remembered?.forget();
    // Trees of this pass are read again as soon as they are stored, which they are only after this.
    await sink.flush(signal);
    const failed = await reasonsByName(failures, tree, ports, signal);
    const isFirst = pass.earlier === undefined;
    invariant(isFirst || pass.doubtful.size > 0, 'only what was in doubt was asked for again');
    counts.resetWalked(before);
    const again = isFirst && failed.size <= MOST_TRIED_AGAIN;
    pass = {
      parent: parent(),
      earlier: new ParentView(sink, node),
      doubtful: again ? failed : new Map(),
      unreadable: again ? new Map() : new Map([...pass.unreadable, ...failed]),
    };
  }
}

async function reasonsByName(
  failures: readonly Complaint[],
  tree: TreeToRead,
  { host }: TreePorts,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const reasons = new Map<string, string>();
  const short = new Map<string, ShortFile>();
  for (const { name, reason, missingBytes } of failures) {
    const text = name.toString('latin1');
    if (missingBytes !== undefined) short.set(text, { name, missingBytes });
    // A later complaint follows from the first one.
    if (!reasons.has(text)) reasons.set(text, reason);
  }
  if (short.size === 0) return reasons;
  const said = await host.run(tree.probe([...short.values()]), signal);
  for (const [index, [text, { missingBytes }]] of [...short].entries()) {
    const reason = said[index] ?? '';
    reasons.set(text, reason === '' ? `its last ${missingBytes} bytes did not come` : reason);
  }
  return reasons;
}

function nothingReadable(tree: TreeToRead, reasons: readonly string[]): StillpointError {
  return new StillpointError(
    'read.unreadable',
    `"${displayName(tree.path)}" cannot be read: ${reasons[0] ?? 'its content did not come'}.`,
    {
      advice: `Look at the kernel's log of the host ("dmesg") and at the health of its disk.`,
      details: { path: displayName(tree.path) },
      cause: undefined,
    },
  );
}
