/** What the tests of copying share: repositories in memory, the copy as a call, and a look at everything below a point. */
import { systemClock } from '../../shared/base/clock.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import { EVERY_POINT, type PointFilter } from '../../shared/domain/point-filter.ts';
import type { CopyReport } from '../../shared/domain/verbs/copy.ts';
import { copy } from '../../shared/pipeline/copy.ts';
import type { Backend } from '../../shared/repository/backend/backend.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { NOTHING_CONFIGURED } from './configured-names.ts';
import { PASSWORD, testSignal } from './test-repository.ts';
import { walkTree } from './walk-tree.ts';

interface CopyCall {
  readonly points?: readonly string[];
  readonly filter?: Partial<PointFilter>;
  readonly signal?: AbortSignal;
  readonly emit?: (event: RunEventBody) => void;
}

/** Locks wait for slow stores to show new files; those of tests are not slow. */
export const hastyClock = { ...systemClock, sleep: async () => undefined };

export function copyAll(from: Backend, to: Backend, call: CopyCall = {}): Promise<CopyReport> {
  const { points = [], filter = {}, signal = testSignal(), emit = () => undefined } = call;
  return copy(
    { from: 'main', to: 'offsite', points, filter: { ...EVERY_POINT, ...filter }, configured: NOTHING_CONFIGURED },
    {
      openSource: (open) => openRepository(from, PASSWORD, open, { clock: hastyClock }),
      openTarget: (open) => openRepository(to, PASSWORD, open, { clock: hastyClock }),
      clock: systemClock,
      emit,
      workers: 1,
    },
    signal,
  );
}

/** "path: content", every file below the restore point, read and proved. */
export async function contentsOf(backend: Backend, point: string): Promise<string[]> {
  const signal = testSignal();
  const repository = await openRepository(backend, PASSWORD, signal, { clock: hastyClock });
  await repository.loadIndex(signal);
  const lines: string[] = [];
  const { tree } = await repository.findRestorePoint(point, signal);
  for await (const { path, node } of walkTree(repository, tree, signal)) {
    const pieces: Buffer[] = [];
    for (const id of node.content ?? []) pieces.push(await repository.loadBlob('data', id, signal));
    lines.push(
      `${Buffer.concat(path.flatMap((name) => [Buffer.from('/'), name])).toString('latin1')}: ${Buffer.concat(pieces).toString('base64')}`,
    );
  }
  return lines;
}

/** Bytes of packs that were read of a backend, by counting what `load` returned. */
export function counting(backend: Backend): { readonly backend: Backend; readonly packBytes: () => number } {
  let bytes = 0;
  const counted: Backend = new Proxy(backend, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== 'load') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async (...call: Parameters<Backend['load']>) => {
        const content = await target.load(...call);
        if (call[0].type === 'data') bytes += content.length;
        return content;
      };
    },
  });
  return { backend: counted, packBytes: () => bytes };
}
