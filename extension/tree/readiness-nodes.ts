/** The readiness of a host in the view Hosts: what to see to before a backup, and how each looks. Pure. */
import type { HostName } from '../../shared/domain/names.ts';
import {
  type FindingSeverity,
  type HostFinding,
  type Remedy,
  SEVERITY_MEANING,
} from '../../shared/domain/readiness.ts';
import type { Translate } from '../texts/wording.ts';
import type { NodeView } from './node-view.ts';

export type ReadinessNode =
  /** Opening it connects to the host. */
  | { readonly kind: 'readiness'; readonly host: HostName; readonly login: string }
  /** Stands where the findings will be. */
  | { readonly kind: 'looking'; readonly host: HostName }
  | { readonly kind: 'ready'; readonly host: HostName }
  | { readonly kind: 'unseen'; readonly host: HostName; readonly text: string }
  | { readonly kind: 'finding'; readonly host: HostName; readonly finding: HostFinding };

export function readinessView(node: ReadinessNode, t: Translate): NodeView {
  switch (node.kind) {
    case 'readiness':
      return {
        ...{ id: `readiness/${node.host}`, label: t('Readiness'), description: '', icon: 'checklist' },
        tooltip: t('Open it to connect to "{0}" and see what to see to before a backup.', node.host),
        ...{ context: 'readiness', accessibleLabel: t('Readiness of {0}', node.host), children: 'closed' },
      };
    case 'looking':
      return plainNode(`looking/${node.host}`, t('Looking at {0} …', node.host), 'loading~spin', 'looking');
    case 'ready':
      return plainNode(`ready/${node.host}`, t('Nothing stands in the way of a backup'), 'pass', 'ready');
    case 'unseen':
      return plainNode(`unseen/${node.host}/${node.text}`, node.text, 'eye-closed', 'unseen');
    case 'finding':
      return findingView(node.host, node.finding, t);
  }
}

function plainNode(id: string, label: string, icon: string, context: string): NodeView {
  return { id, label, description: '', tooltip: label, icon, context, accessibleLabel: label, children: 'none' };
}

const LOOK: Readonly<Record<FindingSeverity, Pick<NodeView, 'icon' | 'colour'>>> = {
  dangerous: { icon: 'error', colour: 'list.errorForeground' },
  'left-out': { icon: 'warning', colour: 'charts.yellow' },
  inconsistent: { icon: 'warning', colour: 'charts.yellow' },
  advice: { icon: 'lightbulb' },
};

function findingView(host: HostName, finding: HostFinding, t: Translate): NodeView {
  const { kind, object, severity, message, means, remedy } = finding;
  const word = severity.replace('-', ' ');
  return {
    id: `finding/${host}/${kind}/${object}`,
    label: message,
    description: word,
    tooltip: [
      `${message}\n${means}`,
      t('{0}: {1}', word, SEVERITY_MEANING[severity]),
      ...(remedy.lines.length === 0 ? [] : [`${placeOf(remedy, t)}\n${remedy.lines.join('\n')}`]),
      remedy.note,
    ].join('\n\n'),
    ...LOOK[severity],
    context: remedy.lines.length === 0 ? 'finding' : 'finding.mends',
    accessibleLabel: t('Finding, {0}: {1} {2} {3}', word, message, means, remedy.note),
    children: 'none',
  };
}

function placeOf({ where }: Remedy, t: Translate): string {
  if (where === 'host') return t('As root on the host:');
  return where === 'here' ? t('On this machine:') : t('In the configuration:');
}
