/**
 * The same folder, backed up by restic and by our way of reading a host: the same nodes, to the letter, and so the same
 * ids, but for what is listed here. Each entry of the lists is a decision of ours, or something that restic 0.14 loses.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { encodeTree } from '../../shared/repository/format/tree.ts';
import { type BlobId, blobIdOf } from '../../shared/repository/ids.ts';
import type { Node } from '../../shared/repository/node.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import { type BothPoints, backUpByBoth } from '../support/by-both.ts';
import { encodeNode } from '../support/encode-node.ts';
import { makePlainTree } from '../support/plain-tree.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { makeTortureTree } from '../support/torture-tree.ts';

const isRoot = process.getuid?.() === 0;

let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await temporaryFolder();
});
beforeEach(({ skip }) => skip(!isRoot, 'needs root for a namespace and for device nodes'));
afterAll(() => folder[Symbol.asyncDispose]());

/** The fields in which two folders differ, below each other: "field path". */
async function differences(both: BothPoints, oursId: BlobId, theirsId: BlobId, path = ''): Promise<string[]> {
  const ours = (await both.repository.loadTree(oursId, never)).nodes;
  const theirs = (await both.repository.loadTree(theirsId, never)).nodes;
  const byName = (nodes: readonly Node[]) => new Map(nodes.map((node) => [node.name.toString('latin1'), node]));
  const [left, right] = [byName(ours), byName(theirs)];
  const found: string[] = [];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [our, their] = [left.get(name), right.get(name)];
    const at = path === '' ? name : `${path}/${name}`;
    if (our === undefined || their === undefined) {
      found.push(`only-${our === undefined ? 'restic' : 'stillpoint'} ${at}`);
      continue;
    }
    const [a, b] = [our, their].map((node) => JSON.parse(encodeNode(node)) as Record<string, unknown>);
    for (const field of new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])) {
      if (field === 'subtree' || JSON.stringify(a?.[field]) === JSON.stringify(b?.[field])) continue;
      found.push(`${field} ${at}`);
    }
    if (our.subtree !== undefined && their.subtree !== undefined) {
      found.push(...(await differences(both, our.subtree, their.subtree, at)));
    }
  }
  return found;
}

describe('the same folder by both', () => {
  it('has the same ids, folder by folder, once restic leaves out what we leave out', async () => {
    const source = join(folder.path, 'plain');
    await makePlainTree(source);
    const both = await backUpByBoth(source, { folder: folder.path, name: 'plain-repository', first: 'restic' });
    const { repository, ours, oursTop, theirsTop } = both;
    const deviceId = await anyDeviceId(repository, oursTop);
    let folders = 0;
    // What restic wrote, with our rule for one field: only files with several names need a device, and it is the
    // number of the volume, because that of a snapshot is another one each time.
    const rewrite = async (ourId: BlobId, theirId: BlobId): Promise<void> => {
      const ourNodes = new Map(
        (await repository.loadTree(ourId, never)).nodes.map((node) => [node.name.toString('latin1'), node]),
      );
      const nodes = (await repository.loadTree(theirId, never)).nodes.map(({ deviceId: _theirs, ...node }): Node => {
        const subtree = ourNodes.get(node.name.toString('latin1'))?.subtree;
        const isShared = node.type !== 'dir' && (node.links ?? 0) > 1;
        return { ...node, ...(isShared ? { deviceId } : {}), ...(subtree === undefined ? {} : { subtree }) };
      });
      expect(blobIdOf(encodeTree(nodes))).toBe(ourId);
      folders += 1;
      for (const { name, subtree } of (await repository.loadTree(theirId, never)).nodes) {
        const ourSubtree = ourNodes.get(name.toString('latin1'))?.subtree;
        if (subtree !== undefined && ourSubtree !== undefined) await rewrite(ourSubtree, subtree);
      }
    };
    await rewrite(oursTop, theirsTop);
    expect(folders).toBe(5);
    // And of the contents that restic had stored, nothing was stored again.
    expect(ours.statistics).toMatchObject({ dataBlobs: 0 });
    await repository.close();
  });

  it('differs in nothing but what is known', async () => {
    const source = join(folder.path, 'torture');
    await makeTortureTree(source, { smallFiles: 50, sparseBytes: 32 * 1024 ** 2, withSocket: true });
    const both = await backUpByBoth(source, { folder: folder.path, name: 'torture-repository', first: 'stillpoint' });
    const { repository, oursTop, theirsTop, newBlobs } = both;
    expect(newBlobs).toBe(0);
    const found = await differences(both, oursTop, theirsTop);
    // restic has it on every entry.
    expect(found.filter((line) => line.startsWith('device_id ')).length).toBeGreaterThan(200);
    const others = found.filter((line) => !line.startsWith('device_id ')).toSorted();
    expect(others).toEqual([
      // restic 0.14 reads no attributes of links.
      'extended_attributes attributes/link',
      // It keeps what U+FFFD leaves of a target that is not UTF-8; newer ones have this field as well.
      'linktarget_raw kinds/link-bytes',
      // It passes over sockets; we name them.
      'only-stillpoint kinds/socket',
    ]);
    await repository.close();
  });
});

async function anyDeviceId(repository: OpenedRepository, tree: BlobId): Promise<bigint> {
  const { nodes } = await repository.loadTree(tree, never);
  return nodes.find(({ deviceId }) => deviceId !== undefined)?.deviceId ?? 0n;
}
