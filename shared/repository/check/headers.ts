/** Reads the header of every pack and compares it with the index, without reading the blobs. */

import { mapWithLimit } from '../../base/limit.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { headerLoader, judgeHeader } from '../read/pack-header.ts';
import type { Structure } from './structure.ts';

/** A wave of packs at a time, so that the index is never in memory twice. */
const WAVE = 256;

/** Packs whose header is not what the index says become suspects, and are proved like the others. */
export async function compareHeaders(
  repository: OpenedRepository,
  { packs }: Pick<Structure, 'packs'>,
  signal: AbortSignal,
): Promise<void> {
  const { files, index, parts } = repository;
  const compare = async (pack: IndexedPack): Promise<void> => {
    const size = packs.sizes.get(pack.id);
    if (size === undefined || packs.suspects.has(pack.id)) return;
    const load = headerLoader(files.backend, pack.id, signal);
    const { kind } = await judgeHeader(parts.sealer, load, pack, size);
    if (kind !== 'same') packs.suspects.add(pack.id);
  };
  let wave: IndexedPack[] = [];
  const run = async (): Promise<void> => {
    await mapWithLimit(wave, files.backend.properties.connections, compare);
    wave = [];
  };
  for (const pack of index.packs()) {
    wave.push(pack);
    if (wave.length === WAVE) await run();
  }
  await run();
}
