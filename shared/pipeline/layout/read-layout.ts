/** The layout of a host as files of a restore point, with the text that explains them. */
import { isStillpointError } from '../../base/errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Registry } from '../../snapshot/registry.ts';
import { gatherLayout, type Layout, layoutParts } from './gather.ts';
import { readMe } from './read-me.ts';

const READ_ME = 'README.txt';

/** A disk that does not answer must not be in the way of a backup of all the others. */
export async function readLayout(host: RemoteHost, registry: Registry, signal: AbortSignal): Promise<Layout> {
  const parts = layoutParts(registry);
  const layout = await host.run(gatherLayout(parts), signal).catch((error: unknown): Layout => {
    if (!isStillpointError(error, 'remote.deadline')) throw error;
    return { files: [], losses: [{ name: '*', reason: 'the host did not tell in time; a disk of it may hang' }] };
  });
  const files = layout.files.filter(({ name }) => name !== READ_ME);
  const text = { name: READ_ME, content: Buffer.from(readMe({ ...layout, files }, parts)) };
  return { ...layout, files: [text, ...files] };
}
