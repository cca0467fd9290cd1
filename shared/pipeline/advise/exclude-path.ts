/** Paths of a host as they can stand in the configuration, which is text. */

/** A pattern that leaves out this path and nothing else; undefined where its bytes are no text. */
export function excludeOf(path: Buffer): string | undefined {
  return pathText(path)?.replaceAll(/[\\*?[\]]/g, String.raw`\$&`);
}

/** Undefined where its bytes are no text, or not a plain path. */
export function pathText(path: Buffer): string | undefined {
  const text = path.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(path) || !text.startsWith('/')) return undefined;
  const isPlain =
    text === '/' ||
    text
      .slice(1)
      .split('/')
      .every((part) => part !== '' && part !== '.' && part !== '..');
  return isPlain ? text : undefined;
}
