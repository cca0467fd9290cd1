/** Words of one storage, and the places that may say them: its own folder, and the one line that registers it. */
interface StorageWords {
  readonly folder: string;
  readonly words: RegExp;
}

const STORAGES: readonly StorageWords[] = [
  {
    folder: 'shared/snapshot/lvm/',
    words:
      /\blvm|\blv(s|create|remove|extend|change|convert|display)\b|\b[vp]gs?\b|\bvg\d|volume group|logical volume|\bthin[ _-]?(pool|volume|snapshot)|dmsetup/i,
  },
  // The name of the file system itself is needed elsewhere: data is restored onto it.
  { folder: 'shared/snapshot/btrfs/', words: /\bsub-?vol|\bsnapper\b|btrfs[ -](progs|sub|file|insp)/i },
  // As is this one's, and a data set is something else, too.
  {
    folder: 'shared/snapshot/zfs/',
    words: /\bzpools?\b|\bzvols?\b|\bdatasets?\b|zfs[ -]?utils|\bzfs (list|get|snap|dest|hold)/i,
  },
];
const REGISTRY = 'shared/snapshot/registry.ts';

/** All lines that know a storage and should not: "path:line text". */
export function strayStorageWords(sources: ReadonlyMap<string, string>): readonly string[] {
  return [...sources].flatMap(([path, text]) =>
    STORAGES.flatMap(({ folder, words }) =>
      path === REGISTRY || path.startsWith(folder)
        ? []
        : text.split('\n').flatMap((line, index) => (words.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
    ),
  );
}
