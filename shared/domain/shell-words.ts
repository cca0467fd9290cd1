/** What a person writes where a shell would put in something else, and no shell reads it. */

/** "$HOME" of "$HOME/backup", "~ann" of "~ann/backup"; "~" alone is read here, too. */
export function wordOfShell(path: string): string | undefined {
  return /^(\$\{[^}/]*\}?|\$\([^)]*\)?|\$[A-Za-z_]\w*|~[^/]+)/.exec(path)?.[0];
}
