/** What docs/damage.md promises, and what holds it. */
import { ofPage } from './page.ts';

export const DAMAGE = ofPage('docs/damage.md', {
  promises: [
    [
      '| `stillpoint check` | names, sizes, the small files and all trees; and packs whose size does not fit | missing and cut files, foreign ones among packs and indexes, a damaged index, broken trees, restore points that need what is not there |',
      {
        'test/faults/damage.test.ts': 'is found: $name',
        'test/faults/repository.test.ts': 'by cutting or emptying or losing any file is found by check alone',
      },
    ],
    [
      '| `stillpoint check --headers` | also the header of every pack | an index that disagrees with the packs |',
      { 'test/faults/damage.test.ts': 'is found: $name' },
    ],
    [
      '| `stillpoint verify` | every byte | flipped bits anywhere |',
      {
        'test/faults/repository.test.ts': 'in any bit of any kind of file is found (format %i)',
        'test/faults/damage.test.ts': 'is told by verify with the same victims as by check',
      },
    ],
    [
      "| `stillpoint verify --daily 7` | the seventh part that today's date chooses | the same in a week, a little each day |",
      {
        'test/unit/repository/verify-subset.test.ts':
          'is in so many days in a row every pack once, whenever one begins',
      },
    ],
    [
      'Each finding names the object, the restore points and files that it affects (`1a2b3c4d:/etc/passwd` is that file in the restore point whose id begins so), and the next command.',
      {
        'test/faults/damage.test.ts': 'is found: $name',
        'test/faults/repository.test.ts': 'names the restore points and files that it hits, and no others',
      },
    ],
    [
      '`damage` costs something, or may; a `warning` harms no restore point; what is only *good to know* asks for nothing.',
      { 'test/faults/repository.test.ts': 'that harms nothing is a warning' },
    ],
    [
      'A share (`--percent`, `--share`, `--daily`) proves what it read and nothing else, and the report says how much that was.',
      {
        'test/unit/repository/verify.test.ts': 'a pack that is missing, cut short or cannot be read was not read',
        'test/unit/repository/verify-subset.test.ts': 'the share of packs that verify reads',
      },
    ],
    [
      'A finding names the first six files in text, and with `--json` the first hundred and how many more there are; `stillpoint find --id PACK` names all that need a pack.',
      {
        'test/faults/damage.test.ts': 'one cause hides no victim of another, and the counts are true',
        'test/unit/cli/render.test.ts': 'long lists are cut, and the count stays true',
        'test/unit/pipeline/comparisons.test.ts': 'names what needs a blob, a tree or a pack, by the start of its id',
      },
    ],
    [
      'Exit code 8 means that there are findings.',
      { 'test/unit/cli/exit-codes.test.ts': 'a job that ended well but not wholly has its own number' },
    ],
    [
      'Each prints its plan and changes nothing; with `--apply` it does it, and with `--apply PLAN` it does it only if the plan is still the one that you have read.',
      {
        'test/unit/pipeline/repair.test.ts': [
          'without --apply makes the plan, changes nothing, and makes the same plan again',
          'does exactly the plan that was approved, or refuses',
        ],
      },
    ],
    [
      'While a repair is applied nothing else may work on the repository.',
      { 'test/unit/pipeline/repair.test.ts': 'waits for nobody and works beside nobody' },
    ],
    [
      'For an index that is damaged or lost, that names packs which are not there, or that disagrees with them. It reads the headers of the packs that are in doubt (of all with `--read-all`) and writes a new index.',
      {
        'test/faults/repair.test.ts': [
          '$name: what was hit $repair',
          'changes nothing in a sound repository, also when it reads all headers',
        ],
      },
    ],
    ['Nothing of the data is lost by a lost index.', { 'test/faults/repair.test.ts': '$name: what was hit $repair' }],
    [
      'A pack whose header cannot be read keeps those entries whose blobs prove good.',
      {
        'test/faults/repair.test.ts':
          'saves what is good in a damaged pack without an index where the pack that the index names %s',
      },
    ],
    [
      'For packs with damaged bytes. It reads all packs, or those that you name, and saves every blob that proves good into new packs; then it writes a new index and removes the damaged packs, after each has shown the same damage a second time.',
      {
        'test/faults/repair.test.ts': [
          '$name: what was hit $repair',
          'of named packs reads these alone, and refuses a name that fits none',
        ],
      },
    ],
    [
      'A pack that cannot be read at all is left alone: the disk may come back.',
      {
        'test/faults/repair.test.ts':
          'gives up no pack that cannot be read now, or that reads otherwise the second time',
      },
    ],
    [
      'The plan says which files what is lost costs.',
      { 'test/faults/damage.test.ts': 'a repair names what the pack costs that it gives up' },
    ],
    [
      'Then **back up again** where you can: what the host still has comes back into the repository under the same names, and older restore points that need it are whole again.',
      {
        'test/faults/repair.test.ts':
          'is completed by a new backup: what the host still has comes back under the same names',
      },
    ],
    [
      'For restore points that need data which is gone. It writes a copy of each without that data: a file that is not whole is left out, and a folder whose list of entries is lost is empty.',
      {
        'test/faults/repair.test.ts': [
          '$name: what was hit $repair',
          'keeps the damaged restore points unless it is told to forget them',
        ],
      },
    ],
    [
      'The plan lists both, up to ten thousand of a restore point; `stillpoint diff ORIGINAL COPY` lists all, before you forget the original.',
      {
        'test/faults/repair.test.ts': 'keeps the damaged restore points unless it is told to forget them',
        'test/interop/comparisons.test.ts': 'the same differs between restore points',
      },
    ],
    [
      'A file is never shortened or filled up: what a repaired restore point holds is whole.',
      { 'test/faults/repair-random.test.ts': 'by chance is repaired to exactly what the bytes that are left allow' },
    ],
    [
      'Copies have the tag `repaired`, and the damaged restore points stay until you say `--forget`; each goes only after it has shown the same damage a second time and its copy was read back and proved in the same run.',
      {
        'test/faults/repair.test.ts': [
          'keeps the damaged restore points unless it is told to forget them',
          'gives up no restore point for a bad answer that does not come again',
          'where the trees of a repaired copy were damaged since',
        ],
      },
    ],
    [
      'A damaged restore point and its copies that lost the same get one new copy together.',
      {
        'test/faults/repair.test.ts':
          'makes one copy of a damaged restore point and the copies of it that lost the same',
      },
    ],
    [
      'It refuses to begin while the index may be what is wrong.',
      { 'test/faults/repair.test.ts': 'gives up no restore point while the index may be what is wrong' },
    ],
    [
      'Keep rules take a repaired copy for newer than its original.',
      { 'test/unit/domain/retention.test.ts': 'keep the repaired copy and not its original of the same instant' },
    ],
    [
      'As long as damaged restore points stay, it goes on naming what they lack.',
      { 'test/faults/repair.test.ts': 'keeps the damaged restore points unless it is told to forget them' },
    ],
    ['Finish with `stillpoint verify`.', { 'test/faults/repair.test.ts': '$name: what was hit $repair' }],
    [
      'If `stillpoint copy` took the restore points to another repository, they can come back from there, whole:',
      {
        'test/faults/repair.test.ts':
          'gets back from a second repository what it lost, as the page about damage says it',
      },
    ],
    [
      'stillpoint repair index main --apply # what is gone is no longer named stillpoint repair points main --forget --apply # or forget the damaged ones by their ids stillpoint copy --from offsite --to main # copies what is not there as a restore point any more stillpoint verify main stillpoint list --repository main --tag repaired # the copies that lack something stillpoint forget main --point ID --apply # each of them whose whole one is back',
      {
        'test/faults/repair.test.ts':
          'gets back from a second repository what it lost, as the page about damage says it',
        'test/unit/docs-links.test.ts': 'commands in the shell blocks of the pages exist, with their options',
      },
    ],
    [
      'Do the last before you use keep rules or `latest`: of the same moment, both take a repaired copy for newer than the whole one.',
      {
        'test/unit/domain/point-order.test.ts':
          'of one instant: the repaired one is newer than the damaged, and a copy newer than its original',
        'test/faults/repair.test.ts':
          'gets back from a second repository what it lost, as the page about damage says it',
      },
    ],
    [
      'The damaged ones have to be forgotten first: a restore point that is there counts as copied, and is not looked into.',
      {
        'test/faults/repair.test.ts':
          'gets back from a second repository what it lost, as the page about damage says it',
      },
    ],
    [
      '| index file | nothing | `stillpoint repair index` | | folder `index` | nothing | bring it back from a copy of the files; or make an empty folder of that name, then `stillpoint repair index` | | folder `data`, `keys` or `snapshots` | what was in it | look whether the disk is mounted; bring it back from a copy of the files | | pack, in its header or behind it | nothing | `stillpoint repair packs` | | pack, in a piece of a file | the files that hold this piece, in every restore point, unless another pack holds it too | `stillpoint repair packs`, `stillpoint repair points` | | pack, in a tree | the folder and what is below it; the content of its files stays until a prune | the same | | missing pack | what was in it | `stillpoint repair index`, `stillpoint repair points` | | file of a restore point | that restore point; its data stays until a prune | `stillpoint repair points --forget` |',
      {
        'test/faults/repair.test.ts': '$name: what was hit $repair',
        'test/faults/damage.test.ts': 'is found: $name',
        'test/unit/repository/backend/lost-folder.test.ts': [
          'of this machine: %s',
          'one of indexes that is made anew, empty, is filled from the packs',
        ],
      },
    ],
    [
      '| key file | nothing while another password opens the repository; everything if it was the only one | bring it back from a copy of the files |',
      {
        'test/unit/repository/keys.test.ts': 'that are damaged are told and do not hide the others',
        'test/unit/repository/repository.test.ts': 'tries several keys, a damaged one among them',
      },
    ],
    [
      '| `config` | nothing, but the repository cannot be opened without it | bring it back from a copy of the files |',
      {
        'test/unit/repository/repository.test.ts': [
          'says what is no repository',
          'does not make a second repository, nor overwrite keys without a configuration',
        ],
      },
    ],
    [
      '| lock file | nothing | `stillpoint unlock --remove-all`, when nothing works on the repository |',
      {
        'test/unit/repository/dead-locks.test.ts':
          'is named with the way out, and unlock takes what it can and names the rest',
      },
    ],
    [
      '| temporary or foreign files | nothing | remove them, or leave them |',
      { 'test/faults/repository.test.ts': 'that harms nothing is a warning' },
    ],
    [
      'It removes no file before what replaces it was stored, read back and proved.',
      {
        'test/faults/repair.test.ts': [
          'at any write or removal loses nothing more: $name',
          'gives up no restore point for a bad answer that does not come again',
        ],
      },
    ],
    [
      'If it is interrupted, at any instant, every restore point that was whole is whole, and the same command completes the work.',
      { 'test/faults/repair.test.ts': 'at any write or removal loses nothing more: $name' },
    ],
    [
      'If no pack at all is there, as in a folder that is not mounted, it refuses.',
      {
        'test/faults/repair.test.ts':
          'gives up nothing where no pack is there at all, as in a folder that is not mounted',
      },
    ],
    [
      'What a listing leaves out is not lost. Each pack that the index names and the listing lacks is asked for once more by its own name, by `check`, `verify`, the repairs, `prune` and `copy`; `repair index` asks again before it writes.',
      {
        'test/unit/repository/unlisted.test.ts': 'packs that a listing leaves out',
        'test/unit/pipeline/copy/copy.test.ts': 'leans on no pack of the target that its index names and that is gone',
      },
    ],
    [
      'Packs that are missing together with all the others of their folder (`data/1a`) were hardly lost: the folder was moved, or its disk is not mounted. `check` says so, and repairs, `prune` and `copy` refuse.',
      {
        'test/unit/repository/unlisted.test.ts': [
          'are named by check, and given up when a person says so',
          'folders of packs that are missing as a whole',
        ],
      },
    ],
    [
      'Bring the folder back, or put a link to where it is now; links are followed, and one that leads nowhere is an error.',
      {
        'test/unit/repository/linked-folders.test.ts': [
          'lists what lies behind the link',
          'refuses a listing without %s behind a link that leads nowhere, and names it',
        ],
        'test/unit/repository/unlisted.test.ts':
          'that another folder stands for are seen, here and by a server that lists no links',
      },
    ],
    [
      'Only when such folders are lost for good does `repair index --give-up-folders` take their packs out of the index; `repair points` comes after it.',
      { 'test/unit/repository/unlisted.test.ts': 'are named by check, and given up when a person says so' },
    ],
    [
      'restic reads what it leaves: `restic check --read-data` is part of our tests.',
      { 'test/faults/repair.test.ts': '$name: what was hit $repair' },
    ],
  ],
  exceptions: [
    ['Three commands, in this order.', 'says what follows'],
    ['Verify the second repository before.', 'advice to the reader'],
    [
      'A restore point whose file is gone is no finding: nothing in a repository names it, and one that was forgotten looks the same. `list` shows which there are.',
      'a limit: nothing in a repository names its restore points',
    ],
    [
      'Keep a copy of `config` and of the folder `keys` somewhere else. They are small, no backup changes them, and without them the best disk holds nothing.',
      'advice to the reader',
    ],
  ],
});
