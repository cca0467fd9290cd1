import { z } from 'zod';
import { isWhole } from '../../shared/domain/kept.ts';
import { hostName } from '../../shared/domain/names.ts';
import { requireAllowed } from '../allowed-host.ts';
import { READ_REMOTE } from '../annotations.ts';
import { defineTool } from '../define-tool.ts';
import { hostInput } from '../inputs.ts';
import { keptListOf, keptListShape } from '../shapes/kept.ts';

export const listKeptSnapshots = defineTool({
  name: 'list_kept_snapshots',
  title: 'List kept snapshots',
  description:
    'Lists the snapshots that people keep on a host on purpose, with reason, expiry and how full each is. Changes nothing.',
  annotations: READ_REMOTE,
  input: z.strictObject({ host: hostInput }),
  output: keptListShape,
  personWords: (args) => ['snapshot', 'list', args.host],
  async run(args, { stillpoint, signal }) {
    const host = hostName(args.host);
    await requireAllowed(stillpoint, host, signal);
    const listing = await stillpoint.listKept(host, signal);
    const over = listing.sets.filter(({ isExpired, isOwn }) => isExpired && isOwn).length;
    const odd = listing.sets.filter((set) => !isWhole(set)).length;
    return {
      summary: `Kept sets: ${listing.sets.length}; not whole: ${odd}; their time is over: ${over}.`,
      nextStep:
        over + odd === 0
          ? 'Nothing has to be done.'
          : `A person removes what is not wanted any more with "stillpoint snapshot remove ${host}".`,
      structured: keptListOf(listing),
    };
  },
});
