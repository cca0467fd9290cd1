/**
 * The subvolumes of a file system, from \`btrfs subvolume list\`. Its lines end with a path, and a path may hold line
 * breaks: whoever may make a subvolume can write lines into the list that look like others. So the path of each number is
 * asked for by itself, and a line ends where that path does. Within a path nothing is read.
 */

export interface Subvolume {
  /** Never used twice in a file system. */
  readonly number: number;
  /** The number of the one in which it lies; the top level is 5. */
  readonly inside: number;
  /** From the top level, without a slash at its front; bytes. */
  readonly path: Buffer;
  readonly uuid: string | undefined;
  /** Of what it is a snapshot, or was received as the next of. */
  readonly parentUuid: string | undefined;
  readonly isReadOnly: boolean;
}

export const TOP_LEVEL = 5;

/** What cannot be read because it changed between two questions; asked again, it may be well. */
export class ChangedMeanwhile extends Error {}

const HEAD =
  /ID (\d+) gen \d+ (?:cgen \d+ )?parent (\d+) top level \d+ parent_uuid (-|[0-9a-f-]{36}) +uuid (-|[0-9a-f-]{36}) +path /y;

interface Listed extends Omit<Subvolume, 'isReadOnly'> {}

/** @param paths of each number that stands at the beginning of a line; Latin-1 text, as the list */
function parseList(list: string, paths: ReadonlyMap<number, string>): readonly Listed[] {
  const found = new Map<number, Listed>();
  for (let at = 0; at < list.length; ) {
    HEAD.lastIndex = at;
    const [head, number = '', inside = '', parentUuid = '', uuid = ''] = HEAD.exec(list) ?? [];
    if (head === undefined) throw new Error(`a subvolume is listed in another form: ${list.slice(at, at + 200)}`);
    const path = paths.get(Number(number));
    const start = at + head.length;
    if (path === undefined || !list.startsWith(`${path}\n`, start)) {
      throw new ChangedMeanwhile(`subvolume ${number} was renamed or removed`);
    }
    if (found.has(Number(number))) throw new Error(`subvolume ${number} is listed twice`);
    found.set(Number(number), {
      ...{ number: Number(number), inside: Number(inside), path: Buffer.from(path, 'latin1') },
      ...{ uuid: uuidOf(uuid), parentUuid: uuidOf(parentUuid) },
    });
    at = start + path.length + 1;
  }
  return [...found.values()];
}

const uuidOf = (text: string): string | undefined => (text === '-' ? undefined : text);

/** @param readOnly the list of those that are read-only */
export function parseSubvolumes(
  list: string,
  readOnly: string,
  paths: ReadonlyMap<number, string>,
): readonly Subvolume[] {
  const locked = new Set(parseList(readOnly, paths).map(({ number }) => number));
  const all = parseList(list, paths);
  if (![...locked].every((number) => all.some((each) => each.number === number))) {
    throw new ChangedMeanwhile('a subvolume was made');
  }
  return all.map((each) => ({ ...each, isReadOnly: locked.has(each.number) }));
}

/**
 * The numbers that stand at the beginning of a line, whoever wrote it, by that of what they are said to lie in. A list of
 * the same subvolumes has the same, so what is not among them is new.
 */
export function numbersInside(list: string): ReadonlyMap<number, readonly number[]> {
  const lines = list.matchAll(/^ID (\d+) gen \d+ (?:cgen \d+ )?parent (\d+) /gm);
  const pairs = [...lines].map(([, number, inside]) => [Number(inside), Number(number)] as const);
  return new Map(
    [...Map.groupBy(pairs, ([inside]) => inside)].map(([inside, of]) => [inside, of.map(([, one]) => one)]),
  );
}
