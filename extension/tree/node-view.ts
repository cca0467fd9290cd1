/**
 * How a node of a tree looks, as plain data: built and tested without an editor, turned into a TreeItem at one place.
 *
 * An icon never says anything that the words do not say as well, and `id` comes from the ids of the domain, never from
 * a label, so that a refresh keeps what is open and selected.
 */
export interface NodeView {
  readonly id: string;
  readonly label: string;
  /** A short state beside the label; empty for none. */
  readonly description: string;
  /** Plain text: names that a host made up are never read as markup. */
  readonly tooltip: string;
  /** The name of a codicon. */
  readonly icon: string;
  /** A colour of the theme, for state only. */
  readonly colour?: 'charts.green' | 'charts.yellow' | 'list.errorForeground';
  /** Facts for the menus, separated by dots: "host", "job.running", "source". */
  readonly context: string;
  /** What a screen reader says: label and state in words. */
  readonly accessibleLabel: string;
  readonly children: 'none' | 'closed' | 'open';
  /** Runs on selection; only ever something that shows and changes nothing. */
  readonly shows?: { readonly command: string; readonly title: string };
}
