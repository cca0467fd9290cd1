/** What is on a host, as the shells show it. Changes nothing there. */
import type { Clock } from '../base/clock.ts';
import { describeSkew } from '../domain/clock-skew.ts';
import { BARE_KINDS, type HostInventory } from '../domain/host.ts';
import type { HostName } from '../domain/names.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { FOR_SNAPSHOTS, lackOf } from '../snapshot/programs.ts';
import type { Registry } from '../snapshot/registry.ts';
import { surveyHost } from '../snapshot/survey.ts';

export async function inspect(
  name: HostName,
  host: RemoteHost,
  ports: { readonly clock: Clock; readonly registry: Registry },
  signal: AbortSignal,
): Promise<HostInventory> {
  const { identity, volumes, storages, clockSkew } = await surveyHost(host, { ...ports, withoutRoot: 'look' }, signal);
  const skew = describeSkew(name, clockSkew);
  const kinds = new Set(volumes.map(({ volume }) => (volume.snapshot.possible ? volume.snapshot.provider : undefined)));
  const used = ports.registry.providers.filter(({ kind }) => kinds.has(kind));
  const lack = lackOf(identity, used.length === 0 ? [] : [FOR_SNAPSHOTS, ...used], name);
  const warnings = [
    ...(lack === undefined ? [] : [`${lack.message} ${lack.advice}`]),
    ...(skew === undefined ? [] : [skew]),
  ];
  const listed = volumes.filter(({ places }) => places.some(({ aside }) => aside === undefined));
  const aside = Map.groupBy(
    volumes.filter((volume) => !listed.includes(volume)),
    ({ places: [{ aside: what = '' }] }) => what,
  );
  for (const [what, of] of aside) {
    warnings.push(`${of.length} ${what} are not listed; backups leave them out, except one that a source names.`);
  }
  return {
    host: name,
    system: identity.system,
    bootId: identity.bootId,
    volumes: listed.map((detected) => detected.volume).filter((volume) => volume.kind !== BARE_KINDS.pseudo.name),
    pools: storages.flatMap((storage) => storage.pools),
    warnings,
  };
}
