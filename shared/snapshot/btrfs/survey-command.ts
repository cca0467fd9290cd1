/** Asking a host what Btrfs it has. Nothing is changed: each file system is looked at in a namespace of its own. */
import { type RemoteCommand, unreadableOutput } from '../../remote/command.ts';
import { LIST_SUBVOLUMES } from './create-script.ts';
import { inNamespace, SOURCES } from './private-namespace.ts';
import { ChangedMeanwhile, numbersInside, parseSubvolumes, type Subvolume } from './subvolumes.ts';
import { parseTopLevel, parseUsage, type Usage } from './usage.ts';

/** A file system as the kernel has it mounted. */
export interface MountedFileSystem {
  /** "major:minor", as in mountinfo; a file of it shows another number. */
  readonly device: string;
  readonly source: Buffer;
}

export interface FileSystemFacts extends MountedFileSystem {
  readonly uuid: string;
  readonly usage: Usage;
  readonly hasQuotas: boolean;
  readonly topLevelUuid: string | undefined;
  /** All but the top level. */
  readonly subvolumes: readonly Subvolume[];
  readonly numbersInside: ReadonlyMap<number, readonly number[]>;
}

/** One that could not be looked at. */
export interface Unseen extends MountedFileSystem {
  readonly why: 'no-device' | 'no-mount' | 'no-answer' | 'unknown-form' | 'changing';
  readonly said: string;
}

export interface BtrfsAnswer {
  readonly fileSystems: readonly (FileSystemFacts | Unseen)[];
  /** Files that are swapped to. */
  readonly swapFiles: readonly Buffer[];
}

const SURVEY = `
sp_survey() {
  sp_open "$1" 2> "$sp_tmp/said" || { printf "no-mount\\0"; cat "$sp_tmp/said"; printf "\\0"; return 0; }
  sp_device / "$sp_tmp/top" && [ "$sp_dev" = "$2" ] || { printf "no-device\\0\\0"; return 0; }
  {
    btrfs filesystem usage -b "$sp_tmp/top" > "$sp_tmp/usage" &&
    ${LIST_SUBVOLUMES} "$sp_tmp/top" > "$sp_tmp/list" &&
    ${LIST_SUBVOLUMES} -r "$sp_tmp/top" > "$sp_tmp/locked"
  } 2> "$sp_tmp/said" || { printf "no-answer\\0"; cat "$sp_tmp/said"; printf "\\0"; return 0; }
  printf "seen\\0"
  cat "$sp_tmp/usage"; printf "\\0"
  btrfs subvolume show "$sp_tmp/top" 2>/dev/null; printf "\\0"
  cat "$sp_tmp/list"; printf "\\0"
  cat "$sp_tmp/locked"; printf "\\0"
  sed -n "s/^ID \\([0-9]\\{1,\\}\\) .*/\\1/p" "$sp_tmp/list" | sort -un > "$sp_tmp/numbers"
  while read -r sp_number; do
    printf "%s\\0" "$sp_number"
    if btrfs inspect-internal subvolid-resolve "$sp_number" "$sp_tmp/top" 2>/dev/null; then printf "\\0yes\\0"; else printf "\\0no\\0"; fi
  done < "$sp_tmp/numbers"
  printf "end\\0"
}`;

const SCRIPT = `${inNamespace(SURVEY)}${SOURCES}
cat /proc/swaps 2>/dev/null; printf '\\0'
while [ "$#" -ge 2 ]; do
  sp_fs=$(sp_btrfs_all /proc/self/mountinfo | while read -r sp_uuid sp_source; do [ "$sp_source" != "$1" ] || echo "$sp_uuid"; done)
  printf '%s\\0' "$sp_fs"
  if [ -d "/sys/fs/btrfs/$sp_fs/qgroups" ]; then printf 'yes\\0'; else printf 'no\\0'; fi
  if [ -z "$sp_fs" ]; then printf 'no-device\\0\\0'; else sp_btrfs_in survey "$1" "$2" || printf 'no-mount\\0\\0'; fi
  shift 2
done`;

/** @param fileSystems each once */
export function surveyFileSystems(fileSystems: readonly MountedFileSystem[]): RemoteCommand<BtrfsAnswer> {
  const script = {
    name: 'list-subvolumes',
    script: SCRIPT,
    args: fileSystems.flatMap(({ source, device }) => [source, device]),
    needs: 'root' as const,
  };
  return {
    ...script,
    budgetMs: 120_000 * Math.max(1, fileSystems.length),
    repeatable: true,
    leavesNoProcess: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.pop() !== '') throw unreadableOutput(script, 'its last field is cut', stdout.toString('latin1'));
      let at = 0;
      const next = (): string => {
        const field = fields[at];
        if (field === undefined) throw new Error('it ends too early');
        at += 1;
        return field;
      };
      try {
        const swapFiles = parseSwaps(next());
        const found = fileSystems.map((each) => parseFileSystem(each, next));
        if (at !== fields.length) throw new Error('there is more than was expected');
        return { fileSystems: found, swapFiles };
      } catch (error) {
        throw unreadableOutput(script, (error as Error).message, stdout.toString('latin1').slice(-2000));
      }
    },
  };
}

function parseFileSystem(mounted: MountedFileSystem, next: () => string): FileSystemFacts | Unseen {
  const uuid = next();
  const hasQuotas = next() === 'yes';
  const word = next();
  if (word === 'no-device' || word === 'no-mount' || word === 'no-answer') {
    return { ...mounted, why: word, said: next().trim() };
  }
  if (word !== 'seen' || !/^[0-9a-f-]{36}$/.test(uuid)) throw new Error('a file system is described in another form');
  const [usage, top, list, locked] = [next(), next(), next(), next()];
  const paths = new Map<number, string>();
  for (let number = next(); number !== 'end'; number = next()) {
    const path = next();
    // The program ends the path by a line break of its own.
    if (next() === 'yes') paths.set(Number(number), path.replace(/\n$/, ''));
  }
  try {
    return {
      ...{ ...mounted, uuid, hasQuotas, usage: parseUsage(usage), topLevelUuid: parseTopLevel(top) },
      ...{ subvolumes: parseSubvolumes(list, locked, paths), numbersInside: numbersInside(list) },
    };
  } catch (error) {
    // What is wrong with one must not stop a backup of the others.
    const why = error instanceof ChangedMeanwhile ? 'changing' : 'unknown-form';
    return { ...mounted, why, said: (error as Error).message };
  }
}

/** /proc/swaps: a line of titles, then name, type and numbers; the kernel writes blanks and line breaks of a name in octal. */
function parseSwaps(text: string): readonly Buffer[] {
  return text.split('\n').flatMap((line) => {
    const [, name] = /^(\/\S*)\s+file\s/.exec(line) ?? [];
    if (name === undefined) return [];
    const bytes = name.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 8)),
    );
    return [Buffer.from(bytes, 'latin1')];
  });
}
