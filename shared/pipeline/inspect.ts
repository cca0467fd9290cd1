/** What is on a host, as the shells show it. Changes nothing there. */
import type { Clock } from '../base/clock.ts';
import { describeSkew } from '../domain/clock-skew.ts';
import { BARE_KINDS, type HostInventory } from '../domain/host.ts';
import type { HostName } from '../domain/names.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { Registry } from '../snapshot/registry.ts';
import { surveyHost } from '../snapshot/survey.ts';

export async function inspect(
  name: HostName,
  host: RemoteHost,
  ports: { readonly clock: Clock; readonly registry: Registry },
  signal: AbortSignal,
): Promise<HostInventory> {
  const { identity, volumes, storages, clockSkew } = await surveyHost(host, ports, signal);
  const skew = describeSkew(name, clockSkew);
  const warnings = [
    ...(identity.missing.length === 0
      ? []
      : [`Programs that a backup needs are missing: ${identity.missing.join(', ')}.`]),
    ...(identity.gnuTar ? [] : ['tar is not GNU tar; a backup needs it.']),
    ...(skew === undefined ? [] : [skew]),
    ...(identity.gnuFind ? [] : ['find is not GNU find; a backup needs it.']),
  ];
  return {
    host: name,
    system: identity.system,
    bootId: identity.bootId,
    volumes: volumes.map((detected) => detected.volume).filter((volume) => volume.kind !== BARE_KINDS.pseudo.name),
    pools: storages.flatMap((storage) => storage.pools),
    warnings,
  };
}
