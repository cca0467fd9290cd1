/** What tar sends for a live tree need not be what was listed; of another owner's file nothing is taken. */
import { describe, expect, test } from 'vitest';
import type { NodeRest } from '../../../shared/pipeline/backup/node.ts';
import { type Answer, type LivePass, takeAnswer } from '../../../shared/pipeline/backup/take-answer.ts';
import type { BlobId } from '../../../shared/repository/ids.ts';
import type { Node } from '../../../shared/repository/node.ts';
import { bareHead, type TarEntry, type TarHead } from '../../../shared/tar/entry.ts';
import { entryOf } from '../../support/pipeline/paper-files.ts';
import { testSignal } from '../../support/test-repository.ts';

const NODE = { name: Buffer.from('a') } as unknown as Node;
const LISTED = { ...entryOf({ path: 'a', type: 'file', content: Buffer.from('mine') }, 0), uid: 1000, gid: 1000 };

async function taken(came: Partial<TarHead>, isLive = true) {
  let rest: unknown = 'nothing';
  let stored = 0;
  const live: LivePass = { exchanged: new Set(), lacks: [] };
  const answer: Answer = {
    ...{ entry: LISTED, at: 0, rest: Promise.resolve(undefined), path: Buffer.from('/srv/a'), build: () => NODE },
    ...{ resolve: (came) => void (rest = came), reject: () => undefined },
  };
  const sink = {
    take: () => {
      stored += 1;
      return Promise.resolve({ ids: Promise.resolve<BlobId[]>([]), bytes: 4 });
    },
    place: () => undefined,
  };
  const facts = { uid: 1000, gid: 1000, size: LISTED.size, ...came };
  const entry = { ...bareHead('./a', came.type ?? 'file', facts), content: [] } as unknown as TarEntry;
  await takeAnswer(entry, answer, isLive ? live : undefined, { sink, onBytes: () => undefined, signal: testSignal() });
  return { stored, rest: (await rest) as NodeRest | undefined, exchanged: [...live.exchanged] };
}

describe('of a live tree', () => {
  test.for([
    ['owner', { uid: 0 }],
    ['group', { gid: 0 }],
    ['type', { type: 'symlink' }],
  ] as const)('a file of another %s than was listed is not taken for it', async ([, came]) => {
    expect(await taken(came)).toEqual({ stored: 0, rest: undefined, exchanged: ['./a'] });
  });

  test('a file of another size is taken with the size that came', async () => {
    const { stored, rest, exchanged } = await taken({ size: 9 });
    expect({ stored, size: rest?.size, exchanged }).toEqual({ stored: 1, size: 9, exchanged: [] });
  });

  test('what came as it was listed is taken', async () => {
    const { stored, rest } = await taken({});
    expect([stored, rest]).toEqual([1, { content: [] }]);
  });
});

test('of a snapshot a file that is not as it was listed ends the reading', async () => {
  await expect(taken({ size: 9 }, false)).rejects.toMatchObject({ code: 'read.incomplete' });
});
