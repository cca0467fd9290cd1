import { flagFile } from '../../support/quiesce/flag-file.ts';
import { whyNoNamespaceHost } from '../../support/snapshot/namespace-host.ts';
import { startFolderCopyHost } from '../../support/snapshot/provider-fixtures.ts';
import { type HookFixture, hookContract } from '../hook.ts';

const FLAG = '/run/flag';

async function flagFixture(): Promise<HookFixture> {
  const world = await startFolderCopyHost();
  const isHeldScript = `[ -s ${FLAG} ]`;
  return {
    ...world,
    hook: (terms) => flagFile({ path: FLAG, ...terms }),
    isHeld: async () => (await world.sh(`! ${isHeldScript} || echo held`)) === 'held',
    isHeldScript,
    letGoScript: `: > ${FLAG}`,
    async withoutFreezing(work) {
      // Something that is no flag of ours has its name.
      await world.sh(`mkdir ${FLAG}`);
      await work();
      await world.sh(`rmdir ${FLAG} 2>/dev/null || :`);
    },
    folder: '/run/copied',
  };
}

hookContract('flag-file', await whyNoNamespaceHost(), flagFixture);
