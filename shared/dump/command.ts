/** Any program of the host whose standard output is the content: that it ended well, and that all of it came, is all that is known. */
import type { CommandDump } from '../domain/dump.ts';
import { typedWord } from '../remote/quoting.ts';
import { ANY_END, type Dumper } from './dump.ts';

const LOOK = `
user=$1
( sp_as "$user" /bin/sh -c 'command -v "$1" >/dev/null' sh "$2" ) || { [ "$user" = - ] || id "$user" >/dev/null 2>&1 || exit 1; sp_lacks "$2"; }`;

const DUMP = `
limit=$1 user=$2
shift 2
sp_dump "$limit" "$user" "$@"`;

const SELF = '-';

export const command: Dumper<CommandDump> = {
  label: ({ name }) => `the command "${name}"`,
  leastRights: 'It runs as root, or as the account of the login, unless "hostUser" of the dump names another one.',
  look: ({ command: [program = ''], hostUser = SELF }) => ({ script: LOOK, args: [hostUser, program] }),
  plan(wish, fields) {
    if (fields.length !== 0) throw new Error('it says something');
    const { name, command: words, hostUser } = wish;
    const typed = words.map((word) => typedWord(word) ?? '?').join(' ');
    const dump = {
      ...{ name: `command/${name}`, what: `the output of "${typed}"`, consistency: 'fuzzy' as const },
      line: hostUser === undefined ? typed : `runuser -u ${hostUser} -- ${typed}`,
      ...{ script: DUMP, args: [hostUser ?? SELF, ...words], end: ANY_END },
    };
    return { dumps: [dump], notes: [] };
  },
};
