/** The nodes of the view Hosts and how each looks. Pure: it knows the domain and words, neither editor nor connection. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { ErrorRecord } from '../../shared/base/errors.ts';
import { CONSISTENCY_MEANING } from '../../shared/domain/consistency.ts';
import { dumpsInWords } from '../../shared/domain/dump.ts';
import type { HostSummary, Volume } from '../../shared/domain/host.ts';
import type { HostName, SourceName } from '../../shared/domain/names.ts';
import type { RestorePointSummary, UnreadableRestorePoint } from '../../shared/domain/restore-point.ts';
import { contentsOf, type Source } from '../../shared/domain/source.ts';
import { describeGaps } from '../../shared/domain/wholeness.ts';
import { skewText } from '../texts/skew-text.ts';
import { formatTime, type Translate, type Wording } from '../texts/wording.ts';
import type { NodeView } from './node-view.ts';
import { type ReadinessNode, readinessView } from './readiness-nodes.ts';

/** Opening a host shows what is known here; only opening its volumes connects to it. */
export type HostsNode =
  | { readonly kind: 'host'; readonly host: HostSummary }
  /** The hosts that only the SSH configuration knows; together, because there may be many. */
  | { readonly kind: 'ssh-hosts'; readonly hosts: readonly HostSummary[] }
  | { readonly kind: 'source'; readonly source: Source }
  | { readonly kind: 'restore-point'; readonly point: RestorePointSummary }
  /** Below every source of its repository, because it cannot say of which it is. */
  | { readonly kind: 'unreadable-point'; readonly source: SourceName; readonly point: UnreadableRestorePoint }
  /** Opening it connects to the host. */
  | { readonly kind: 'volumes'; readonly host: HostName; readonly login: string }
  /** Stands where the volumes will be while the host does not answer yet. */
  | { readonly kind: 'connecting'; readonly host: HostName }
  | { readonly kind: 'volume'; readonly host: HostName; readonly volume: Volume }
  | { readonly kind: 'host-warning'; readonly host: HostName; readonly text: string }
  | ReadinessNode
  | { readonly kind: 'no-restore-points'; readonly source: Source }
  /** Behind the newest ones, where there are more than are shown. */
  | { readonly kind: 'more-points'; readonly source: SourceName; readonly more: number }
  /** What went wrong in the place where children should be. */
  | ProblemNode;

export interface ProblemNode {
  readonly kind: 'problem';
  /** The id of the node whose children could not be loaded; undefined for the whole view. */
  readonly parent: string | undefined;
  readonly error: ErrorRecord;
}

export function hostsNodeView(node: HostsNode, wording: Wording): NodeView {
  const { t } = wording;
  switch (node.kind) {
    case 'host':
      return hostView(node.host, t);
    case 'ssh-hosts': {
      const description = t('{0} not configured', node.hosts.length);
      return {
        id: 'ssh-hosts',
        label: t('SSH configuration'),
        description,
        tooltip: t('Hosts that your SSH configuration knows. Open one to see its volumes; add it to back it up.'),
        icon: 'list-flat',
        context: 'ssh-hosts',
        accessibleLabel: t('Hosts of the SSH configuration, {0}', description),
        children: 'closed',
      };
    }
    case 'source':
      return sourceView(node.source, t);
    case 'restore-point':
      return restorePointView(node.point, wording);
    case 'unreadable-point':
      return unreadablePointView(node.source, node.point, t);
    case 'volumes':
      return {
        id: `volumes/${node.host}`,
        label: t('Volumes'),
        description: '',
        tooltip: t('Open it to connect to "{0}" and see what is mounted there.', node.host),
        icon: 'layers',
        context: 'volumes',
        accessibleLabel: t('Volumes of {0}', node.host),
        children: 'closed',
      };
    case 'connecting': {
      const label = t('Connecting to {0} …', node.host);
      return {
        id: `connecting/${node.host}`,
        label,
        description: '',
        tooltip: label,
        icon: 'loading~spin',
        context: 'connecting',
        accessibleLabel: label,
        children: 'none',
      };
    }
    case 'volume':
      return volumeView(node.host, node.volume, t);
    case 'host-warning':
      return {
        id: `warning/${node.host}/${node.text}`,
        label: node.text,
        description: '',
        tooltip: node.text,
        icon: 'warning',
        colour: 'charts.yellow',
        context: 'host-warning',
        accessibleLabel: t('Warning: {0}', node.text),
        children: 'none',
      };
    case 'readiness':
    case 'looking':
    case 'ready':
    case 'unseen':
    case 'finding':
      return readinessView(node, t);
    case 'no-restore-points': {
      const label = t('No restore points yet');
      return {
        id: `none/${node.source.name}`,
        label,
        description: '',
        tooltip: t('"{0}" was never backed up to "{1}".', node.source.name, node.source.repository),
        icon: 'circle-slash',
        context: 'no-restore-points',
        accessibleLabel: label,
        children: 'none',
      };
    }
    case 'more-points': {
      const label = t('Show older restore points');
      return {
        id: `more/${node.source}`,
        label,
        description: t('{0} more', node.more),
        tooltip: label,
        icon: 'ellipsis',
        context: 'more-points',
        accessibleLabel: t('Show older restore points, {0} more', node.more),
        children: 'none',
        shows: { command: 'stillpoint.showOlder', title: label },
      };
    }
    case 'problem':
      return problemView(node, t);
  }
}

function hostView(host: HostSummary, t: Translate): NodeView {
  const configured = host.origin === 'configuration';
  const backedUp = host.sources.length > 0;
  const description = backedUp || configured ? host.sources.join(', ') : t('from the SSH configuration');
  return {
    id: `host/${host.name}`,
    label: host.name,
    description,
    tooltip: backedUp
      ? t('"{0}" has the sources {1}.', host.name, host.sources.join(', '))
      : t('"{0}" has no source yet.', host.name),
    icon: 'server',
    context: ['host', configured ? 'configured' : 'ssh-config', ...(backedUp ? ['sources'] : [])].join('.'),
    accessibleLabel: backedUp
      ? t('Host {0}, sources {1}', host.name, host.sources.join(', '))
      : t('Host {0}, without a source', host.name),
    children: 'closed',
  };
}

function sourceView(source: Source, t: Translate): NodeView {
  const paths = contentsOf(source).map(String).join(', ');
  return {
    id: `source/${source.name}`,
    label: source.name,
    description: t('to {0}', source.repository),
    tooltip: t('{0} on "{1}", backed up to "{2}".', paths, source.host, source.repository),
    icon: 'archive',
    context: 'source',
    accessibleLabel: t('Source {0}, backed up to {1}', source.name, source.repository),
    children: 'closed',
  };
}

function restorePointView(point: RestorePointSummary, wording: Wording): NodeView {
  const { t } = wording;
  const time = formatTime(point.time, wording);
  const consistency = point.consistency ?? t('consistency unknown');
  const size = point.bytesTotal === undefined ? undefined : formatBytes(point.bytesTotal);
  const gaps = describeGaps(point.wholeness);
  const dumps = dumpsInWords(point.dumps ?? []);
  const facts = [
    ...(gaps === undefined ? [] : [point.wholeness.state]),
    consistency,
    ...(dumps === undefined ? [] : [dumps]),
    ...(size === undefined ? [] : [size]),
  ];
  const description = facts.join(', ');
  const meaning =
    point.consistency === undefined
      ? t('Another program wrote it; how its files were held still is not known.')
      : [CONSISTENCY_MEANING[point.consistency], ...skewText(point, t)].join(' ');
  return {
    id: `restore-point/${point.repository}/${point.id}`,
    label: time,
    description,
    tooltip: [
      t('Restore point {0} of "{1}"', point.id.slice(0, 8), point.hostname),
      ...(gaps === undefined ? [] : [gaps]),
      meaning,
      point.paths.join('\n'),
    ].join('\n\n'),
    icon: gaps === undefined ? 'history' : 'warning',
    context: 'restore-point',
    accessibleLabel: t('Restore point of {0}, {1}', time, description),
    children: 'none',
    shows: { command: 'stillpoint.showRestorePoint', title: t('Show Restore Point') },
  };
}

function unreadablePointView(source: SourceName, point: UnreadableRestorePoint, t: Translate): NodeView {
  const label = t('Restore point {0} cannot be read', point.restorePoint.slice(0, 8));
  return {
    id: `unreadable-point/${source}/${point.repository}/${point.restorePoint}`,
    label,
    description: point.reason,
    tooltip: [
      label,
      point.reason,
      t(
        'It may be of this source or of another one. Check the repository "{0}" to see what can be done.',
        point.repository,
      ),
    ].join('\n\n'),
    icon: 'error',
    colour: 'list.errorForeground',
    context: 'unreadable-point',
    accessibleLabel: t('Problem: {0}. {1}', label, point.reason),
    children: 'none',
  };
}

function volumeView(host: HostName, volume: Volume, t: Translate): NodeView {
  const mounted = volume.mountpoints.join(', ');
  const ability = volume.snapshot.possible ? t('snapshot possible') : t('no snapshot');
  const kind = t('{0}, {1}', volume.kindWords, volume.fsType);
  const room = roomWords(volume, t);
  return {
    id: `volume/${host}/${volume.id}/${volume.mountpoints[0] ?? ''}`,
    label: mounted === '' ? volume.label : mounted,
    description: t('{0}, {1}', volume.label, ability),
    tooltip: [
      t('"{0}" at {1}', volume.label, mounted),
      room === undefined ? kind : `${kind}, ${room}`,
      volume.snapshot.possible ? t('A snapshot can be taken.') : `${volume.snapshot.reason}\n${volume.snapshot.remedy}`,
    ].join('\n\n'),
    icon: volume.snapshot.possible ? 'database' : 'circle-slash',
    context: volume.snapshot.possible ? 'volume.snapshottable' : 'volume.plain',
    accessibleLabel: [
      t('Volume {0} at {1}', volume.label, mounted),
      kind,
      ...(room === undefined ? [] : [room]),
      volume.snapshot.possible ? ability : `${ability}: ${volume.snapshot.reason}`,
    ].join(', '),
    children: 'none',
  };
}

function roomWords(volume: Volume, t: Translate): string | undefined {
  if (volume.sizeBytes === undefined) return undefined;
  if (volume.usedBytes === undefined) return formatBytes(volume.sizeBytes);
  return t('{0} of {1} used', formatBytes(volume.usedBytes), formatBytes(volume.sizeBytes));
}

/**
 * The first sentence is the label. What follows is shown beside it: the rest of the message where it has several lines,
 * otherwise the advice. All of it is in the tooltip and is read aloud.
 */
export function problemView(node: ProblemNode, t: Translate): NodeView {
  const { message, advice, code } = node.error;
  const [first = '', ...more] = message.split('\n').map((line) => line.trim());
  return {
    id: `problem/${node.parent ?? 'view'}`,
    label: first.replace(/:$/, ''),
    description: more[0] ?? advice,
    tooltip: `${message}\n\n${advice}\n\n[${code}]`,
    icon: 'error',
    colour: 'list.errorForeground',
    context: code.startsWith('config.') ? 'problem.config' : 'problem',
    accessibleLabel: t('Problem: {0} {1}', [first, ...more].join(' '), advice),
    children: 'none',
  };
}
