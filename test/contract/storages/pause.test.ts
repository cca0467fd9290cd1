/** Containers of Docker that are paused: with a daemon of their own in namespaces of this machine. */
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { holdOf, pauses } from '../../../shared/quiesce/pause/hook.ts';
import { startDockerHost, whyNoDocker } from '../../support/snapshot/docker-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type HookFixture, hookContract } from '../hook.ts';

/** What somebody else did right before us is not ours to answer for. */
const RIGHT_BEFORE = '{ docker pause shop-db-1 && docker unpause shop-db-1; } >/dev/null 2>&1 </dev/null';
const PAUSED = 'docker inspect -f "{{.State.Paused}}" shop-db-1 shop-web-1';

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'docker');

async function pauseFixture(): Promise<HookFixture> {
  const world = await startDockerHost(root);
  const isHeldScript = `${PAUSED} | grep -q true`;
  return {
    ...world,
    hook: ({ deadlineSeconds: seconds, holds }) => ({
      ...pauses,
      plan: (_source, run) => {
        const hold = holdOf({ of: 'pause', what: 'compose:shop', seconds }, { id: `${run}/pause-0`, holds });
        return [{ ...hold, freeze: { ...hold.freeze, script: `${RIGHT_BEFORE}\n${hold.freeze.script}` } }];
      },
    }),
    isHeld: async () => (await world.sh(`! { ${isHeldScript}; } || echo held`)).trim() === 'held',
    isHeldScript,
    letGoScript: 'docker unpause shop-db-1 shop-web-1',
    async withoutFreezing(work) {
      await world.sh('docker stop -t 0 shop-db-1 shop-web-1');
      await work();
      await world.sh('docker start shop-db-1 shop-web-1');
    },
    folder: '/run/copied',
    slowness: 2,
  };
}

hookContract('containers that are paused', await whyNoDocker(root), pauseFixture, 'each program in a thorough run');
