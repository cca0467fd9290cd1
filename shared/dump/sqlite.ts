/**
 * SQLite: the file and its log, byte for byte, while a reading transaction keeps both usable together. ".dump" would lose what
 * SQL text cannot hold, such as a NUL in a text, and ".backup" needs a file to write to.
 *
 * Why it is of one moment. Without a log (the mode "delete" and its like) nobody writes to the file during a reading
 * transaction: writers wait, or give up. With one ("wal") writers go on: they append to the log, and what they move from it
 * into the file is not newer than the transaction, and stays in the log as long as that lasts. So the file with the log behind
 * it, read in this order, is what a power cut would leave, and opens as the last transaction that is whole in it.
 *
 * As the owner of the file: root would follow a link that somebody has put in its place, and the programs that use it could not
 * open a log that root has made.
 */
import type { SqliteDump } from '../domain/dump.ts';
import { addressOf } from '../domain/sqlite-address.ts';
import { typedWord } from '../remote/quoting.ts';
import type { DumpEnd, Dumper } from './dump.ts';

/** $SP_FILE as an address: the program neither makes a file that is not there, nor takes a name for an option. */
const LOOK = `
command -v sqlite3 >/dev/null 2>&1 || sp_lacks sqlite3
[ -f "$1" ] || { echo "there is no file $1" >&2; exit 1; }
owner=$(stat -L -c %U "$1") || exit 1
mode=$( ( sp_as "$owner" timeout 50 sqlite3 -batch -bail -init /dev/null -cmd '.timeout 5000' "$2" 'PRAGMA journal_mode; SELECT 1 FROM sqlite_master WHERE 0' ) ) || exit 1
printf '%s\\0%s\\0' "$owner" "$mode"`;

/**
 * The shell of the program passes on a line without quotes, so what is run while the transaction lasts comes by the environment.
 * Its own exit code is lost, so the last line has it.
 */
const DUMP = `
limit=$1 owner=$2 address=$3
SP_FOLDER=$4 SP_NAME=$5
SP_RUN='set -- "./$SP_NAME"; for f in "./$SP_NAME-wal" "./$SP_NAME-journal"; do [ ! -e "$f" ] || set -- "$@" "$f"; done; tar -cf - -C "$SP_FOLDER" "$@"; printf "\\nend %s\\n" "$?"'
export SP_FOLDER SP_NAME SP_RUN
sp_dump "$limit" "$owner" sqlite3 -batch -bail -init /dev/null -cmd '.timeout 30000' -cmd BEGIN -cmd 'SELECT 1 FROM sqlite_master WHERE 0' "$address" '.shell cd "$SP_FOLDER";eval "$SP_RUN"'`;

/** tar says 1 where a file became longer while it was read, as a log does. */
const END_LINE = /\nend [01]\n$/;

const END: DumpEnd = {
  bytes: 16,
  surplus: (end) => END_LINE.exec(end.toString('latin1'))?.[0].length,
  looks: 'the end of an archive that tar made without an error',
};

export const sqlite: Dumper<SqliteDump> = {
  label: ({ file }) => `SQLite in "${file}"`,
  leastRights: 'It is read by the owner of the file, who may write to it and to its folder.',
  look: ({ file }) => ({ script: LOOK, args: [file, addressOf(file)] }),
  plan(wish, fields) {
    const [owner = '', mode = ''] = fields;
    if (fields.length !== 2 || !/^[a-z]+$/.test(mode)) throw new Error('it has no journal mode');
    const { file } = wish;
    const slash = file.lastIndexOf('/');
    const [folder, base] = [file.slice(0, slash) || '/', file.slice(slash + 1)];
    const dump = {
      ...{ name: `sqlite${file}.tar`, what: this.label(wish), consistency: 'application' as const },
      line: `runuser -u ${owner} -- sqlite3 ${typedWord(addressOf(file)) ?? '?'} 'BEGIN; SELECT 1 FROM sqlite_master WHERE 0;' '.shell tar -cf - -C ${folder} ${base} ${base}-wal'`,
      ...{ script: DUMP, args: [owner, addressOf(file), folder, base], end: END },
    };
    const notes =
      mode === 'wal'
        ? []
        : [`Who writes to ${this.label(wish)} waits while it is read; with "PRAGMA journal_mode=wal" nobody does.`];
    return { dumps: [dump], notes };
  },
};
