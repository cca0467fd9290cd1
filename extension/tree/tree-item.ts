/** The one place where a node's look becomes an item of the editor's tree. */
import * as vscode from 'vscode';
import type { NodeView } from './node-view.ts';

const COLLAPSIBLE = {
  none: vscode.TreeItemCollapsibleState.None,
  closed: vscode.TreeItemCollapsibleState.Collapsed,
  open: vscode.TreeItemCollapsibleState.Expanded,
} as const;

/** `node` is handed to the commands of the item. */
export function toTreeItem(view: NodeView, node: unknown): vscode.TreeItem {
  const item = new vscode.TreeItem(view.label, COLLAPSIBLE[view.children]);
  item.id = view.id;
  item.description = view.description;
  item.tooltip = view.tooltip;
  item.iconPath = new vscode.ThemeIcon(
    view.icon,
    view.colour === undefined ? undefined : new vscode.ThemeColor(view.colour),
  );
  item.contextValue = view.context;
  item.accessibilityInformation = { label: view.accessibleLabel };
  if (view.shows !== undefined) {
    item.command = { command: view.shows.command, title: view.shows.title, arguments: [node] };
  }
  return item;
}
