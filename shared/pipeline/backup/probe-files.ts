/**
 * Why a file could not be read to its end. tar says of a read that gave less than it should only how much is missing;
 * reading once more at that place has the kernel name its reason.
 */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { type ReadingPlace, scriptAt } from './reading-place.ts';

export interface ShortFile {
  /** As tar was given it. */
  readonly name: Buffer;
  /** How many bytes at its end did not come. */
  readonly missingBytes: number;
}

/** A disk that is dying takes many seconds for one bad sector. */
const SECONDS_A_FILE = 60;

/** The kernel's reasons, in order; empty where the file can be read at that place now. */
export function probeFiles(
  place: ReadingPlace,
  base: Buffer,
  files: readonly ShortFile[],
): RemoteCommand<readonly string[]> {
  const script: RemoteScript = scriptAt(place, {
    name: 'probe-files',
    script: `
cd "$1" || exit 1
shift
while [ $# -gt 1 ]; do
  size=$(stat -c %s -- "$1") || size=$2
  said=$( { dd if="$1" of=/dev/null bs=512 skip=$(( (size - $2) / 512 )) count=8; } 2>&1 >/dev/null ) && said=
  said=$(printf "%s\\n" "$said" | sed -n "1s/.*: //p")
  printf "%s\\0" "$said"
  shift 2
done`,
    args: [base, ...files.flatMap(({ name, missingBytes }) => [name, String(missingBytes)])],
  });
  return {
    ...script,
    budgetMs: 1000 * SECONDS_A_FILE * Math.max(1, files.length),
    repeatable: true,
    parse: ({ stdout }) => {
      const reasons = stdout.toString('utf8').split('\0');
      if (reasons.pop() !== '' || reasons.length !== files.length) {
        throw unreadableOutput(script, 'reasons are missing', stdout.toString('latin1'));
      }
      return reasons;
    },
  };
}
