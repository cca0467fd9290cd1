import { z } from 'zod';
import { hostName } from '../../shared/domain/names.ts';
import { requireAllowed } from '../allowed-host.ts';
import { READ_REMOTE } from '../annotations.ts';
import { defineTool } from '../define-tool.ts';
import { hostInput } from '../inputs.ts';
import { inventoryOf, inventoryShape } from '../shapes/host.ts';

export const inspectHost = defineTool({
  name: 'inspect_host',
  title: 'Inspect a host',
  description:
    'Logs in to a host and reports its volumes, what could be snapshotted and why not, and the room for snapshots. Changes nothing there. Use it before a first backup, or when one failed for lack of room.',
  annotations: READ_REMOTE,
  input: z.strictObject({ host: hostInput }),
  output: inventoryShape,
  personWords: (args) => ['inspect', args.host],
  async run(args, { stillpoint, signal }) {
    const host = hostName(args.host);
    await requireAllowed(stillpoint, host, signal);
    const inventory = await stillpoint.inspectHost(host, signal);
    const able = inventory.volumes.filter((volume) => volume.snapshot.possible).length;
    return {
      summary: `Volumes: ${inventory.volumes.length}, of which ${able} can be snapshotted; warnings: ${inventory.warnings.length}.`,
      nextStep:
        able === 0
          ? 'A person has to change the host before it can be backed up: whyNot of each volume says how.'
          : 'plan_backup shows what a backup of one of its sources would do.',
      structured: inventoryOf(inventory),
    };
  },
});
