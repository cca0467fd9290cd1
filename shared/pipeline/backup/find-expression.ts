/**
 * What find(1) need not look at, as its own expression. It leaves out a part of what `select.ts` leaves out and never
 * more: the listing is the same after both, but a folder of 300,000 excluded files costs nothing. find's patterns know
 * no folders ("*" passes over "/"), so only excludes that mean the same to both are handed over.
 */
import type { ExcludePatterns } from '../../domain/exclude-patterns.ts';
import { PRINT } from './listing.ts';

export interface Unlisted {
  /** The tree's own path on the host. */
  readonly path: Buffer;
  /** The same as find is given it. */
  readonly root: Buffer;
  readonly exclude: ExcludePatterns;
  /** Paths below the root where something is mounted, as Latin-1 text: the place is listed, nothing below it is. */
  readonly mounted: ReadonlySet<string>;
}

export function findExpression({ path, root, exclude, mounted }: Unlisted): readonly (string | Buffer)[] {
  const below = (...rest: readonly Buffer[]): Buffer => Buffer.concat([literal(root), SLASH, ...rest]);
  const left: (readonly (string | Buffer)[])[] = [];
  for (const { isAnchored, parts } of exclude.literal) {
    const name = literal(Buffer.from(parts.join('/')));
    if (!isAnchored) left.push(['-path', below(name)], ['-path', below(ANY, name)]);
    else {
      const relative = relativeTo(path, Buffer.from(`/${parts.join('/')}`));
      if (relative !== undefined) left.push(['-path', below(literal(relative))]);
    }
  }
  for (const name of exclude.names) {
    const pattern = name
      .split('*')
      .map((part) => literal(Buffer.from(part)).toString())
      .join('*');
    left.push(['-path', below(STAR), '-name', pattern]);
  }
  const places = [...mounted].map((place) => ['-path', below(literal(Buffer.from(place, 'latin1')))]);
  return [...group(left, ['-prune', '-o']), ...group(places, ['-prune', ...PRINT, '-o']), ...PRINT];
}

function group(
  alternatives: readonly (readonly (string | Buffer)[])[],
  then: readonly string[],
): readonly (string | Buffer)[] {
  if (alternatives.length === 0) return [];
  const joined = alternatives.flatMap((one, at) => (at === 0 ? one : ['-o', ...one]));
  return ['(', ...joined, ')', ...then];
}

/** `path` seen from the tree, where it lies strictly below it. */
function relativeTo(tree: Buffer, path: Buffer): Buffer | undefined {
  const prefix = tree.length === 1 ? tree : Buffer.concat([tree, SLASH]);
  return path.length > prefix.length && path.subarray(0, prefix.length).equals(prefix)
    ? path.subarray(prefix.length)
    : undefined;
}

/** For fnmatch(3). */
function literal(text: Buffer): Buffer {
  return Buffer.from(text.toString('latin1').replaceAll(/[*?[\]\\]/g, String.raw`\$&`), 'latin1');
}

const SLASH = Buffer.from('/');
const STAR = Buffer.from('*');
const ANY = Buffer.from('*/');
