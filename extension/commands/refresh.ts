/** Refresh and Retry: look again, at everything or at one node. */
import type { HostsNode } from '../tree/hosts-nodes.ts';
import { nodeOf } from './node-argument.ts';
import type { CommandPorts } from './ports.ts';

/** `argument`: a node of the view Hosts, or nothing for both views. */
export function refresh(ports: CommandPorts, argument: unknown): void {
  const node: HostsNode | undefined =
    nodeOf(argument, 'host') ??
    nodeOf(argument, 'volumes') ??
    nodeOf(argument, 'source') ??
    nodeOf(argument, 'problem');
  if (node === undefined) ports.hosts.refreshAll();
  else ports.hosts.refresh(node);
  ports.jobs.refresh();
}
