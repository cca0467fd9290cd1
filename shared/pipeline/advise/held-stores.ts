/**
 * Which of the servers at work would be held still as they are: those that answer, let us do what it takes, and have all of
 * their files on one volume. What is proposed has to be carried out without a question.
 */
import type { QuiesceSpec } from '../../domain/quiesce.ts';
import type { SourceScope } from '../../domain/source.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { placeOf } from '../../snapshot/places.ts';
import type { Registry } from '../../snapshot/registry.ts';
import type { Survey } from '../../snapshot/survey.ts';
import { lookAtHolds } from '../look-at-holds.ts';
import { pathText } from './exclude-path.ts';
import type { PlacedStore } from './facts.ts';

const SPECS: Readonly<Record<string, QuiesceSpec>> = {
  'MariaDB or MySQL': { of: 'mariadb' },
  PostgreSQL: { of: 'postgresql' },
  Redis: { of: 'redis' },
};

/** A server answers at its usual place; of files each has a name of its own. */
function specOf({ what, onHost }: PlacedStore): QuiesceSpec | undefined {
  if (what !== 'SQLite') return SPECS[what];
  const file = onHost === undefined ? undefined : pathText(onHost);
  return file === undefined ? undefined : { of: 'sqlite', file };
}

/** The stores, with what a source would say under "quiesce" of those that can be held. */
export async function findHeld(
  stores: readonly PlacedStore[],
  { survey, registry }: { readonly survey: Survey; readonly registry: Registry },
  host: RemoteHost,
  signal: AbortSignal,
): Promise<readonly PlacedStore[]> {
  const held: PlacedStore[] = [];
  for (const store of stores) {
    const spec = specOf(store);
    const canAsk = spec !== undefined && store.onHost !== undefined && survey.identity.isRoot;
    held.push(canAsk && (await isHeld(store, spec)) ? { ...store, quiesce: spec } : store);
  }
  return held;

  async function isHeld({ onHost }: PlacedStore, spec: QuiesceSpec): Promise<boolean> {
    const source = { host: host.name, paths: [], exclude: [], quiesce: [spec] } as unknown as SourceScope;
    const looks = await lookAtHolds(source, registry, host, signal).catch(() => {
      signal.throwIfAborted();
      return undefined;
    });
    const places = [...(looks?.values() ?? [])].flatMap((look) => look.places);
    const volumes = new Set(places.map(({ path }) => placeOf(path, survey)?.volume));
    // Another server may answer at the usual place than the one that was seen at work.
    return volumes.size === 1 && places.some(({ path }) => onHost !== undefined && path.equals(onHost));
  }
}
