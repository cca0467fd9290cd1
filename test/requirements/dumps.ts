/** What docs/dumps.md promises, and what holds it. */
import { ofPage } from './page.ts';

const SUITE = 'test/contract/dump.ts';

export const DUMPS = ofPage('docs/dumps.md', {
  promises: [
    [
      'It is cut where its content says so, so a small change costs little, even if it shifts everything after it.',
      {
        [SUITE]: 'stores little of it again when little has changed',
        'test/unit/repository/content-cutter.test.ts': 'what moved is cut as before',
        'test/interop/stream-pieces.test.ts': 'what a command writes is the same pieces as a backup of it by restic',
      },
    ],
    ['A dump that ends badly leaves no restore point.', { [SUITE]: 'that ends badly leaves no restore point' }],
    [
      'When a run is cancelled, or its connection is closed, the program on the host ends; where the host learns nothing of it, `leaseSeconds` later.',
      {
        [SUITE]: [
          'that is cancelled leaves no restore point, and nothing that runs on the host',
          'ends on the host when nothing is heard of us, and nothing was seen to end',
        ],
      },
    ],
    [
      'MariaDB 10.11, PostgreSQL 15, Redis 7.0 and SQLite 3.40 of Debian 12: each dumped while somebody wrote, loaded into an empty server and compared row by row with what was there (`test/contract/dumps.test.ts`).',
      { [SUITE]: ['is of one moment while somebody writes', 'has all that was there, and says of what moment it is'] },
    ],
    [
      'Tables without transactions (MyISAM, Aria, MEMORY) are refused, because they would be of other moments.',
      {
        'test/contract/dumps.test.ts':
          'refuses what it could not dump whole, with the words of the servers, all at once',
      },
    ],
    [
      'A dump is refused where one of them has what cannot be taken back: `where`, `ignore-table` and its like, `as-of`, `compatible`, `xml`, `tab`, `result-file`, and what changes a server (`flush-logs`, `delete-master-logs`, `dump-slave`).',
      {
        'test/contract/dumps.test.ts':
          'refuses what it could not dump whole, with the words of the servers, all at once',
        'test/unit/dump/planning.test.ts': 'is refused where an option file says "%s"',
      },
    ],
    [
      'What cannot be dumped is refused then, with the words of the server and the rights that it lacks, all of it at once.',
      {
        'test/contract/dumps.test.ts':
          'refuses what it could not dump whole, with the words of the servers, all at once',
      },
    ],
    ['A server with tablespaces of its own is refused.', { 'test/unit/dump/planning.test.ts': 'is refused: %s' }],
    [
      'A role that is no superuser needs `GRANT pg_read_all_data TO …`, and the passwords of roles are then left out.',
      { 'test/unit/dump/planning.test.ts': 'a role that is no superuser has no passwords of roles, and says so' },
    ],
    [
      'Each has a consistency of its own, which `plan`, `backup`, `list`, `ls`, the editor and assistants show beside that of the files.',
      {
        'test/contract/dumps.test.ts': 'files that are read live stay fuzzy beside a dump, and both are told',
        'test/unit/cli/render.test.ts':
          'dumps are shown with their own consistency, in a list, a folder, a plan and a result',
        'test/unit/extension/hosts-nodes.test.ts': 'tells dumps with their own consistency',
        'test/unit/extension/texts.test.ts': 'names dumps with their own consistency',
        'test/mcp/dumps.test.ts': 'a plan tells dumps with their own consistency',
      },
    ],
  ],
  exceptions: [
    ["MongoDB, Valkey, a MySQL of Oracle's and a server in a container were not.", 'it says what is not tested'],
  ],
});
