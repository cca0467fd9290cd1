/**
 * A command gets the node that it was called on, or nothing from the palette. Anything may call a command with anything,
 * so the argument is looked at before it is believed.
 */
import type { HostsNode } from '../tree/hosts-nodes.ts';
import type { JobsNode } from '../tree/jobs-nodes.ts';

type AnyNode = HostsNode | JobsNode;

export function nodeOf<K extends AnyNode['kind']>(
  argument: unknown,
  kind: K,
): Extract<AnyNode, { readonly kind: K }> | undefined {
  const found = (argument as { readonly kind?: unknown } | null | undefined)?.kind;
  return found === kind ? (argument as Extract<AnyNode, { readonly kind: K }>) : undefined;
}
