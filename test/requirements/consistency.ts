/** What docs/consistency.md promises, and what holds it. */
import { ofPage } from './page.ts';

export const CONSISTENCY = ofPage('docs/consistency.md', {
  promises: [
    [
      '| `application` | are of a state from which each application that the source names under `quiesce` goes on when it is started; that was proved after the last snapshot | [start it on the copy](database-copies.md) |',
      {
        'test/unit/domain/consistency.test.ts': [
          'is that of the application where every hold was proved across every instant',
          'of what recovers by itself is that of the application where all is of one instant, and there alone',
          'of what recovers from several instants is that of the application where these are all, and that of its log the last',
        ],
      },
    ],
    [
      '| `cold` | were written by none of the services that the source names under `stop`: they were stopped | start them |',
      { 'test/e2e/cold.test.ts': 'is cold, and the service runs again before anything is read' },
    ],
    [
      '| `crash` | are of one instant, like after a power cut at that moment | start it; what keeps a journal recovers, and what does not may be damaged |',
      { 'test/unit/domain/consistency.test.ts': 'of one volume is that of a power cut' },
    ],
    [
      '| `crash-skewed` | are of several instants, one for each volume, and the skew says how far apart they are | as above for what lies on one volume; of what lies on two, look whether the parts fit |',
      {
        'test/unit/domain/consistency.test.ts':
          'of several volumes one after another is skewed, by a bound of the time between them',
      },
    ],
    [
      '| `fuzzy` | were read while they may have been changing | look at each file before you trust it |',
      { 'test/contract/storages/live.test.ts': 'names each file that is torn, and no other' },
    ],
    [
      'Of a source of nothing but [dumps](dumps.md) the label is theirs: `application` where each is of one moment, as its program guarantees, and `fuzzy` where one is not known to be.',
      { 'test/unit/domain/consistency.test.ts': 'of dumps alone is theirs, and of the weakest of them' },
    ],
    [
      'Beside files a dump changes nothing in the label of these; it has its own.',
      { 'test/unit/domain/consistency.test.ts': 'of files is theirs, whatever dumps are beside them' },
    ],
    [
      'Without it a backup has to end with what its plan foresaw: where MariaDB was to be held and the proof fails, the backup fails, and nothing is saved that looks better than it is.',
      {
        'test/unit/pipeline/require-proof.test.ts': 'is not enough for a source that says nothing',
      },
    ],
    [
      'Everything has a deadline, after which the host itself lets go, whatever became of us.',
      { 'test/contract/hook.ts': 'is let go where section and watchman are killed' },
    ],
    [
      'What the application names as its data is saved whole, whatever `excludeLargerThan`, `excludeCaches`, `excludeIfPresent` and `oneFileSystem` say; a pattern under `exclude` is your word that a copy does without what it names.',
      { 'test/interop/leave-out.test.ts': 'but nothing of what is held still, whose copy would lack it' },
    ],
    [
      '`stillpoint plan shop` shows what is held, for how long at the most, and refuses what cannot be: a server that does not answer, an account without the rights, a program that is not there, data that lies outside of `paths`.',
      {
        'test/contract/storages/mariadb.test.ts':
          'is refused with its own words where the account may not hold it, or is not let in',
        'test/unit/pipeline/look-at-holds.test.ts': 'what is held and not saved is refused',
      },
    ],
    [
      'What was committed before is in the log of InnoDB by then, also where `innodb_flush_log_at_trx_commit` is 0, with which the lock takes up to a second longer.',
      { 'test/contract/hook.ts': 'has written out all that it had answered before' },
    ],
    [
      'Where the binary log is on and the account may see it, the position (file and offset, and the GTID) is put on record, so that a replica can start from the copy, or [a log can be replayed on it](database-copies.md#up-to-a-later-moment).',
      {
        'test/e2e/mariadb.test.ts': 'each copy is of the moment at which it stood still, and of where the log goes on',
      },
    ],
    [
      'The proof: the same session, and the same position in the log, after the last snapshot as before the first.',
      {
        'test/contract/storages/mariadb.test.ts': 'proves the position in its log, at which it stood still',
        'test/contract/hook.ts': 'claims nothing where somebody let go in between',
      },
    ],
    [
      'Where its data, its `pg_wal` or its tablespaces lie on volumes with an instant each, it is told to write a checkpoint at once, the volume with `pg_wal` is copied last, and what is proved besides is that no other checkpoint was completed until then.',
      {
        'test/contract/storages/postgresql.test.ts':
          'says where it has its files, and how they are of one instant, or come to be',
        'test/unit/snapshot/snapshot-order.test.ts':
          'the volume of a log is the last, and the others are in their own order',
        'test/e2e/postgresql.test.ts': 'each copy starts, passes its checkers, and is a state between two transactions',
      },
    ],
    [
      'A standby, a server with `wal_level` "minimal", and files that would be read live are refused with what to do.',
      {
        'test/contract/storages/postgresql.test.ts':
          'says where it has its files, and how they are of one instant, or come to be',
      },
    ],
    [
      '**An append-only file that is synchronised later** (`everysec`, which is the default, or `no`): whoever writes waits until the snapshots stand (`CLIENT PAUSE … WRITE`, from Redis 6.2); whoever reads does not.',
      {
        'test/e2e/redis.test.ts':
          'each copy passes its checkers, starts, and has what was answered before, and nothing that was begun after',
      },
    ],
    [
      'With a log (`PRAGMA journal_mode=wal`) nobody waits. Without one, whoever commits waits until the snapshots stand, for 20 seconds at most, or gives up after the time that the program has set; the plan says so.',
      {
        'test/contract/storages/sqlite.test.ts':
          'says which files belong to it, where a link leads to it too, and who has to wait',
      },
    ],
    [
      '**No append-only file**: nothing is held; it writes its data into its file before the snapshots are made (`BGSAVE`), and the copy has all up to that moment.',
      {
        'test/contract/storages/redis.test.ts':
          'writes all that it has into its file before the instant, where it has no log',
      },
    ],
    [
      'Nothing of them is written in between, so snapshots of several volumes count as one instant: `crash` instead of `crash-skewed`.',
      { 'test/unit/domain/consistency.test.ts': 'of what was only paused is of one instant, and no more' },
    ],
    [
      'Without `check` nothing is claimed: the commands run, and the label is that of the snapshots.',
      { 'test/unit/domain/consistency.test.ts': 'is not raised by what nobody can tell of' },
    ],
  ],
});
