/** What a person's own programs hold: here a flag in a file. */
import { commands, holdOf } from '../../../shared/quiesce/commands/hook.ts';
import { whyNoNamespaceHost } from '../../support/snapshot/namespace-host.ts';
import { startFolderCopyHost } from '../../support/snapshot/provider-fixtures.ts';
import { type HookFixture, hookContract } from '../hook.ts';

const FLAG = "/run/it's hëld";

async function commandsFixture(): Promise<HookFixture> {
  const world = await startFolderCopyHost();
  const isHeldScript = `[ -f "${FLAG}" ]`;
  return {
    ...world,
    hook: ({ deadlineSeconds: seconds, holds }) => ({
      ...commands,
      plan: (_source, run) => [
        holdOf(
          {
            of: 'commands',
            name: 'flag',
            before: ['touch', FLAG],
            after: ['rm', '-f', FLAG],
            check: ['test', '-f', FLAG],
            seconds,
          },
          { id: `${run}/commands-0`, holds },
        ),
      ],
    }),
    isHeld: async () => (await world.sh(`! ${isHeldScript} || echo held`)) === 'held',
    isHeldScript,
    letGoScript: `rm "${FLAG}"`,
    async withoutFreezing(work) {
      await world.sh(`mkdir "${FLAG}"`);
      await work();
      await world.sh(`rmdir "${FLAG}"`);
    },
    folder: '/run/copied',
  };
}

hookContract('commands', await whyNoNamespaceHost(), commandsFixture);
