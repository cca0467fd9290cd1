/**
 * The view Hosts. Hosts and sources come from the configuration alone; a host is connected to when the user opens its
 * volumes, and asked again only on Refresh or Retry. What cannot be loaded becomes a node that says why, in the place where it is
 * missed, and the rest of the tree stays usable.
 */
import * as vscode from 'vscode';
import { never } from '../../shared/base/cancel.ts';
import { isStillpointError, toErrorRecord } from '../../shared/base/errors.ts';
import type { HostInventory, HostSummary } from '../../shared/domain/host.ts';
import type { HostName, SourceName } from '../../shared/domain/names.ts';
import { EVERY_POINT } from '../../shared/domain/point-filter.ts';
import type { HostReadiness } from '../../shared/domain/readiness.ts';
import type { Source } from '../../shared/domain/source.ts';
import { configFileSetting, findConfigPlace } from '../config-place.ts';
import type { Core } from '../core.ts';
import type { Wording } from '../texts/wording.ts';
import { HostAnswers } from './host-answers.ts';
import { type HostsNode, hostsNodeView, type ProblemNode } from './hosts-nodes.ts';
import { findingsOf } from './readiness-children.ts';
import { ShownNodes } from './shown-nodes.ts';
import { toTreeItem } from './tree-item.ts';

const VIEW = { viewId: 'stillpoint.hosts' } as const;

/** What the welcome views of package.json ask for. */
const CONTEXT_KEY = 'stillpoint.configuration';

/** Restore points that a source shows at once; a tree of thousands is slow to draw and of no use to the eye. */
const PAGE = 100;

export class HostsTree implements vscode.TreeDataProvider<HostsNode>, vscode.Disposable {
  readonly #core: Core;
  readonly #wording: Wording;
  readonly #changed = new vscode.EventEmitter<HostsNode | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #shown = new ShownNodes<HostsNode>({
    idOf: (node) => hostsNodeView(node, this.#wording).id,
    load: (node) => this.#loadOrSayWhyNot(node),
    changed: (node) => this.#changed.fire(node),
    nowMs: () => performance.now(),
  });
  readonly #inventories: HostAnswers<HostInventory>;
  readonly #readiness: HostAnswers<HostReadiness>;
  /** How many restore points of a source are shown, where it is not one page. */
  readonly #pages = new Map<SourceName, number>();

  constructor(core: Core, wording: Wording) {
    this.#core = core;
    this.#wording = wording;
    this.#inventories = new HostAnswers(
      (host, signal) => core.converse((stillpoint) => stillpoint.inspectHost(host, signal)),
      (host) => this.#refreshId(`volumes/${host}`),
    );
    this.#readiness = new HostAnswers(
      (host, signal) => core.converse((stillpoint) => stillpoint.adviseHost(host, signal)),
      (host) => this.#refreshId(`readiness/${host}`),
    );
  }

  getTreeItem(node: HostsNode): vscode.TreeItem {
    return toTreeItem(hostsNodeView(node, this.#wording), node);
  }

  getChildren(node?: HostsNode): Promise<HostsNode[]> {
    return this.#shown.children(node);
  }

  /** Everything again; hosts that are open are connected to again. */
  refreshAll(): void {
    for (const answers of this.#answers) answers.forgetAll();
    this.#renew(undefined);
  }

  /** The children of one node again; a host is connected to again. */
  refresh(node: HostsNode): void {
    if (node.kind === 'host') for (const answers of this.#answers) answers.forget(node.host.name);
    if (node.kind === 'volumes') this.#inventories.forget(node.host);
    if (node.kind === 'readiness') this.#readiness.forget(node.host);
    if (node.kind === 'problem') this.#retry(node);
    else this.#renew(node);
  }

  /** Whether the person has a node open. */
  setOpen(node: HostsNode, isOpen: boolean): void {
    this.#shown.setOpen(node, isOpen);
  }

  /** After an edit of the configuration: hosts that are reached as before are not asked again. */
  async refreshAfterEdit(): Promise<void> {
    const hosts = await this.#core.use((stillpoint) => stillpoint.listHosts(never)).catch(() => undefined);
    const logins = hosts && new Map(hosts.map(({ name, login }) => [name, login]));
    if (logins !== undefined) for (const answers of this.#answers) answers.keepOnly(logins);
    this.#renew(undefined);
  }

  /** One page more of a source's restore points. */
  showOlder(source: SourceName): void {
    this.#pages.set(source, (this.#pages.get(source) ?? PAGE) + PAGE);
    this.refreshSource(source);
  }

  /** The restore points of one source again, if they are shown. */
  refreshSource(source: string): void {
    this.#refreshId(`source/${source}`);
  }

  dispose(): void {
    for (const answers of this.#answers) answers.dispose();
    this.#changed.dispose();
  }

  get #answers(): readonly (HostAnswers<HostInventory> | HostAnswers<HostReadiness>)[] {
    return [this.#inventories, this.#readiness];
  }

  #retry(problem: ProblemNode): void {
    const parent = problem.parent === undefined ? undefined : this.#shown.find(problem.parent);
    if (parent === undefined) this.refreshAll();
    else this.refresh(parent);
  }

  #refreshId(id: string): void {
    const node = this.#shown.find(id);
    if (node !== undefined) this.#renew(node);
  }

  #renew(node: HostsNode | undefined): void {
    void vscode.window.withProgress({ location: VIEW }, () => this.#shown.renew(node));
  }

  async #loadOrSayWhyNot(node: HostsNode | undefined): Promise<HostsNode[]> {
    try {
      return await this.#load(node);
    } catch (error) {
      const parent = node === undefined ? undefined : hostsNodeView(node, this.#wording).id;
      return [{ kind: 'problem', parent, error: toErrorRecord(error) }];
    }
  }

  async #load(node: HostsNode | undefined): Promise<HostsNode[]> {
    if (node === undefined) return this.#hosts();
    switch (node.kind) {
      case 'ssh-hosts':
        return node.hosts.map((host) => ({ kind: 'host', host }));
      case 'host':
        return this.#partsOfHost(node.host);
      case 'volumes':
        return this.#volumes(node.host, node.login);
      case 'readiness':
        return findingsOf(node.host, this.#readiness.look(node.host, node.login));
      case 'source':
        return this.#restorePoints(node.source);
      default:
        return [];
    }
  }

  async #hosts(): Promise<HostsNode[]> {
    const place = await findConfigPlace(this.#core);
    if (!place.exists) {
      await this.#tellWelcome(configFileSetting() === undefined ? 'missing' : 'named-missing');
      return [];
    }
    const hosts = await this.#core
      .use((stillpoint) => stillpoint.listHosts(never))
      .catch(async (error: unknown) => {
        await this.#tellWelcome(isStillpointError(error, 'config.not-found') ? 'missing' : 'invalid');
        throw error;
      });
    const offered = hosts.filter((host) => host.origin === 'ssh-config' && host.sources.length === 0);
    const configured = hosts.filter((host) => !offered.includes(host));
    await this.#tellWelcome(hosts.length === 0 ? 'empty' : 'present');
    const nodes: HostsNode[] = configured.map((host) => ({ kind: 'host', host }));
    return offered.length === 0 ? nodes : [...nodes, { kind: 'ssh-hosts', hosts: offered }];
  }

  async #partsOfHost(host: HostSummary): Promise<HostsNode[]> {
    const sources = await this.#core.use((stillpoint) => stillpoint.listSources());
    const own = sources.filter((source) => source.host === host.name);
    return [
      ...own.map((source): HostsNode => ({ kind: 'source', source })),
      { kind: 'volumes', host: host.name, login: host.login },
      { kind: 'readiness', host: host.name, login: host.login },
    ];
  }

  #volumes(host: HostName, login: string): HostsNode[] {
    const known = this.#inventories.look(host, login);
    if (known.state === 'connecting') return [{ kind: 'connecting', host }];
    if (known.state === 'failed') return [{ kind: 'problem', parent: `volumes/${host}`, error: known.error }];
    const { warnings, volumes } = known.answer;
    return [
      ...warnings.map((text): HostsNode => ({ kind: 'host-warning', host, text })),
      ...volumes
        .filter((volume) => volume.kind !== 'pseudo')
        .toSorted((a, b) => (a.mountpoints[0] ?? '').localeCompare(b.mountpoints[0] ?? ''))
        .map((volume): HostsNode => ({ kind: 'volume', host, volume })),
    ];
  }

  async #restorePoints(source: Source): Promise<HostsNode[]> {
    const { restorePoints, unreadable } = await this.#core.converse((stillpoint) =>
      stillpoint.listRestorePoints(
        { repository: source.repository, filter: { ...EVERY_POINT, sources: [source.name] } },
        never,
      ),
    );
    const shown = this.#pages.get(source.name) ?? PAGE;
    if (restorePoints.length + unreadable.length === 0) return [{ kind: 'no-restore-points', source }];
    return [
      ...unreadable.map((point): HostsNode => ({ kind: 'unreadable-point', source: source.name, point })),
      ...restorePoints.slice(0, shown).map((point): HostsNode => ({ kind: 'restore-point', point })),
      ...(restorePoints.length > shown
        ? [{ kind: 'more-points', source: source.name, more: restorePoints.length - shown } as const]
        : []),
    ];
  }

  async #tellWelcome(state: 'missing' | 'named-missing' | 'invalid' | 'empty' | 'present'): Promise<void> {
    await vscode.commands.executeCommand('setContext', CONTEXT_KEY, state);
  }
}
