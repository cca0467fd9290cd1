/**
 * One pass over a tree: a walk decides for each entry whether content that is known still holds, asks for what does
 * not, and builds folders; answers arrive beside it, in the order of asking. Both sides fail together.
 */
import type { Node } from '../../repository/node.ts';
import type { TarEntry } from '../../tar/entry.ts';
import type { ContentTotals } from './content-account.ts';
import { ContentStream } from './content-stream.ts';
import { type Answer, takeAnswer } from './take-answer.ts';
import type { TreePorts, TreeToRead } from './tree-to-read.ts';

import { type Pass, Walk } from './walk.ts';
export interface PassResult extends Pick<ContentTotals, 'failures' | 'remarks' | 'others'> {
  /** Of the root; undefined where the tree is one file and that did not come. Built from what is in doubt, too. */
  readonly node: Node | undefined;
}

export async function readPass(
  tree: TreeToRead,
  pass: Pass,
  ports: TreePorts,
  signal: AbortSignal,
): Promise<PassResult> {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const content = new ContentStream<Answer>();
  const walk = new Walk(tree, pass, ports, content, both);
  const isFirst = pass.earlier === undefined;
  ports.sink.beginPass(isFirst);
  const onBytes = (bytes: number, answer: Answer): void => {
    if (!isFirst) return;
    const again = Math.min(bytes, answer.doneBytes ?? 0);
    answer.doneBytes = (answer.doneBytes ?? 0) - again;
    ports.counts.bytesDone += bytes - again;
    ports.onProgress();
  };
  const take = async (entry: TarEntry, answer: Answer): Promise<void> => {
    const taking = { sink: ports.sink, onBytes: (bytes: number) => onBytes(bytes, answer), signal: both };
    // The walk counts, too, while this waits.
    const bytes = await takeAnswer(entry, answer, pass.live, taking);
    ports.counts.bytesRead += bytes;
    if (isFirst && answer.entry.type === 'file') ports.counts.filesDone += 1;
  };
  const came = ({ entry: { path }, at, rest }: Answer): void => {
    if (isFirst) tree.arrived?.came({ at, path }, rest);
  };
  const cut = (answer: Answer): void => {
    answer.isCut = true;
  };
  const passOver = ({ entry, path, build, resolve }: Answer): void => {
    if (entry.type === 'dir') ports.sink.place(path, build({}), undefined);
    resolve(entry.type === 'dir' ? {} : undefined);
  };
  const abandon = (answer: Answer, error: unknown): void => answer.reject(error);
  const answers = content.run(ports.host, tree.content, { take, came, cut, passOver, abandon }, both);
  const walking = walk.run();
  try {
    const [node, totals] = await Promise.all([walking, answers]);
    ports.counts.bytesReceived += totals.receivedBytes;
    return { node, failures: totals.failures, remarks: totals.remarks, others: totals.others };
  } catch (error) {
    failed.abort(error);
    content.queue.fail(error as Error);
    await Promise.allSettled([walking, answers]);
    throw error;
  }
}

/** What tar's names are seen from: the tree, or the folder of the one file that it is. */
export function baseOf({ path, rootName }: Pick<TreeToRead, 'path' | 'rootName'>): Buffer {
  return rootName.length === 1 ? path : path.subarray(0, Math.max(1, path.lastIndexOf(0x2f)));
}
