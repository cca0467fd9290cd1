/** What stands below the readiness of a host: its findings, or why there are none yet. */
import type { HostName } from '../../shared/domain/names.ts';
import type { HostReadiness } from '../../shared/domain/readiness.ts';
import type { HostAnswer } from './host-answers.ts';
import type { HostsNode } from './hosts-nodes.ts';

export function findingsOf(host: HostName, known: HostAnswer<HostReadiness>): HostsNode[] {
  if (known.state === 'connecting') return [{ kind: 'looking', host }];
  if (known.state === 'failed') return [{ kind: 'problem', parent: `readiness/${host}`, error: known.error }];
  const { findings, unseen } = known.answer;
  return [
    ...findings.map((finding): HostsNode => ({ kind: 'finding', host, finding })),
    ...(findings.length === 0 ? [{ kind: 'ready', host } as const] : []),
    ...unseen.map((text): HostsNode => ({ kind: 'unseen', host, text })),
  ];
}
