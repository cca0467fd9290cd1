/** Writes a repository from memory into a folder, as the local backend lays it out, without waiting for the disk. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Backend } from '../../shared/repository/backend/backend.ts';

export async function writeOut(backend: Backend, folder: string, signal: AbortSignal): Promise<void> {
  for (const type of ['config', 'keys', 'index', 'snapshots', 'data'] as const) {
    const place = type === 'config' ? folder : join(folder, type);
    await mkdir(place, { recursive: true });
    for await (const { name } of backend.list(type, signal)) {
      const file = join(place, type === 'data' ? name.slice(0, 2) : '', name || 'config');
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, await backend.load({ type, name }, undefined, signal));
    }
  }
  await mkdir(join(folder, 'locks'), { recursive: true });
}
