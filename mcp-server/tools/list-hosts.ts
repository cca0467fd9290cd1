import { z } from 'zod';
import { READ_LOCAL } from '../annotations.ts';
import { defineTool } from '../define-tool.ts';
import { pageInput, pageOf, pageOutput } from '../paging.ts';
import { hostOf, hostShape } from '../shapes/host.ts';

export const listHosts = defineTool({
  name: 'list_hosts',
  title: 'List hosts',
  description:
    'Lists the hosts that assistants may use, with their sources, without connecting to them. Use it first, to learn the names that the other tools take.',
  annotations: READ_LOCAL,
  input: z.strictObject({ ...pageInput }),
  output: z.strictObject({ hosts: z.array(hostShape).describe('The hosts.'), ...pageOutput }),
  personWords: () => ['hosts'],
  async run(args, { stillpoint, signal }) {
    const hosts = (await stillpoint.listHosts(signal)).filter(({ forAssistants }) => forAssistants).map(hostOf);
    const { entries, nextCursor } = pageOf(hosts, (host) => host.host, args);
    return {
      summary: `Hosts: ${entries.length} of ${hosts.length}.`,
      nextStep: 'inspect_host looks at a host, plan_backup at a source.',
      structured: { hosts: entries, nextCursor },
    };
  },
});
