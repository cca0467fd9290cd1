/** All of the advisor on a host on paper, with answers that fail. */
import { expect, test } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import { systemClock } from '../../../../shared/base/clock.ts';
import { hostName, ownerId } from '../../../../shared/domain/names.ts';
import { advise } from '../../../../shared/pipeline/advise.ts';
import { type RemoteCommand, unreadableOutput } from '../../../../shared/remote/command.ts';
import type { RemoteHost } from '../../../../shared/remote/remote-host.ts';
import { lvmThick, lvmThin } from '../../../../shared/snapshot/lvm/provider.ts';
import { createRegistry, REGISTRY } from '../../../../shared/snapshot/registry.ts';
import { aMount, surveyAnswer } from '../../snapshot/fixtures.ts';

const FOLLOWING: Readonly<Record<string, unknown>> = {
  'look-at-file-systems': {
    rooms: [{ sizeBytes: 1e9, availableBytes: 1e7 }],
    ...{ errors: new Map(), degraded: new Map([['md0', 1]]), fstab: [], swapFiles: [] },
  },
  'watch-writes': [{ bytesPerSecond: 1, costPerSecond: 1 }],
  'list-programs': { programs: [], isSeen: true },
  'look-for-traces': { removed: [], kept: [] },
  'read-lvm-upkeep': { records: new Map(), thresholds: new Map() },
};

/** @param odd what this host prints that nobody understands */
async function adviseWith(odd: readonly string[]) {
  const asked: string[] = [];
  const host = {
    name: 'db1',
    run: async (command: RemoteCommand<unknown>) => {
      asked.push(command.name);
      if (odd.includes(command.name)) throw unreadableOutput(command, 'it is odd', '');
      const mounts = [aMount('/srv/files', { device: '254:1', fsType: 'xfs' })];
      return FOLLOWING[command.name] ?? surveyAnswer(command, { mounts });
    },
  } as unknown as RemoteHost;
  const spec = {
    ...{ name: hostName('db1'), ssh: 'db1', sshConfigFile: undefined, sudo: 'none' as const },
    ...{ leaseSeconds: 1800, maxClockSkewSeconds: 1e9 },
  };
  const registry = createRegistry([lvmThick, lvmThin], REGISTRY.hooks);
  const readiness = await advise(
    { spec, configured: { hasHost: true, sources: new Set(), repository: 'main' } },
    { host, clock: systemClock, registry, owner: ownerId('00112233aabb'), dead: [] },
    never,
  );
  return { asked, readiness };
}

test('a host that answers everything is asked once for each thing', async () => {
  const { asked, readiness } = await adviseWith([]);
  expect(readiness.unseen).toEqual([]);
  const kinds = readiness.findings.map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['raid-degraded', 'full', 'left-snapshot', 'pool-fixed']));
  expect(asked.filter((name, index) => asked.indexOf(name) !== index && name !== 'read-lvm-upkeep')).toEqual([]);
});

test.each(Object.keys(FOLLOWING))('what is odd about %s is said, and all else is judged', async (name) => {
  const { readiness } = await adviseWith([name]);
  expect(readiness.unseen.join('\n')).toContain(`The output of "${name}" cannot be understood: it is odd.`);
  expect(readiness.findings.length).toBeGreaterThan(0);
  expect(readiness.proposedSources).toHaveLength(1);
});

test('without what a survey needs there is no advice', async () => {
  await expect(adviseWith(['read-mounts'])).rejects.toMatchObject({ code: 'remote.unreadable-output' });
});
