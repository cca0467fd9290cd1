/** What docs/repositories.md promises, and what holds it. */
import { ofPage } from './page.ts';

export const REPOSITORIES = ofPage('docs/repositories.md', {
  promises: [
    [
      "| `/srv/backup`, `~/backup`, `local:/srv/backup` | a folder on the machine that runs Stillpoint | | `sftp:nas:/srv/backup`, `sftp:me@nas:backup`, `sftp://me@nas:2222//srv/backup` | a folder on another host | | `s3:https://store.example.org/bucket/folder`, `s3:store.example.org/bucket`, `s3:http://10.0.0.5:9000/bucket` | a bucket of an S3 store | | `s3:s3.amazonaws.com/bucket`, `s3:s3.eu-central-1.amazonaws.com/bucket` | a bucket at Amazon | | `rest:https://backup.example.org:8000/main/`, `rest:http://me@nas:8000/` | a server that speaks restic's REST protocol |",
      {
        'test/unit/domain/location.test.ts': ['a location', 'reads %j as restic does'],
        'test/contract/s3.test.ts': 'asks a store by the name of its bucket where that is wanted',
        'test/contract/rest.test.ts': 'behind rclone serve restic',
        'test/contract/sftp-repository.test.ts': 'a repository on another host',
      },
    ],
    [
      'In what is a URL, with `http://`, `https://` or `sftp://`, a space is written `%20` and a percent sign `%25`; everything else stands as it is.',
      { 'test/unit/domain/location.test.ts': 'reads %j as restic does' },
    ],
    [
      'A folder whose name begins with `~` is written `local:~name`; anything but `~/` at the front of a path is refused.',
      {
        'test/unit/domain/location.test.ts': [
          'takes a folder whose name begins with "~" where that is said',
          'refuses %j with a sentence and an example',
        ],
      },
    ],
    [
      '`stillpoint init NAME` makes the repository there, and says where that is; for S3 it makes the bucket too, where it is not there and the key may.',
      {
        'test/unit/cli/repository-commands.test.ts': 'init says where the repository was made',
        'test/contract/s3.test.ts': 'makes a bucket that is not there, and uses one that is',
      },
    ],
    [
      'It refuses a place that holds other files, as far as that can be seen: a server that speaks the REST protocol shows only those of a repository.',
      {
        'test/contract/s3.test.ts': 'makes no repository among other things, and one beside them',
        'test/unit/repository/new-folder.test.ts':
          'a folder that holds %j gets no repository, and nothing in it changes',
        'test/unit/repository/sftp.test.ts':
          'a folder that holds other files gets no repository, and one with the remains of an init does',
      },
    ],
    [
      'A password inside a location is accepted, because restic accepts it. It is shown as `***` wherever the location is shown: on the screen, in `--json`, in the records of jobs and in errors.',
      {
        'test/unit/domain/location.test.ts': 'never shows its password, however it is printed',
        'test/interop/store-jobs.test.ts': 'that refuses the login says so, and shows no password of the location',
      },
    ],
    [
      '| `connections` | how many calls go at once, from 1 to 64; default: 2 for a folder of this machine, 5 elsewhere |',
      {
        'test/unit/repository/limit.test.ts': 'makes no more calls at once than it has connections',
        'test/unit/docs-numbers.test.ts': 'has the limits of the schema',
      },
    ],
    [
      '| `limitUploadKiB`, `limitDownloadKiB` | KiB a second, from 1 to 1 000 000 000; held within a file too, so a line is not filled in bursts; default: no limit |',
      {
        'test/unit/repository/limit.test.ts': 'never lets more through than rate and burst allow',
        'test/contract/rest.test.ts': 'keeps to a limit within one file',
        'test/unit/docs-numbers.test.ts': 'has the limits of the schema',
      },
    ],
    [
      '| `caCertificateFile` | certificates in PEM for `https://`; a file that begins with none is refused |',
      {
        'test/unit/repository/backend/words.test.ts': 'a file of certificates that holds none is named',
        'test/contract/rest.test.ts': 'says that a certificate is not trusted',
      },
    ],
    [
      '| `cacheMiB` | how much is cached on this machine, from 0 to 1 000 000, see below; default: 1024, 0 for nothing |',
      {
        'test/unit/repository/backend/cache.test.ts': 'take no more room than they may, and give up the oldest',
        'test/unit/docs-numbers.test.ts': 'has the limits of the schema',
      },
    ],
    [
      'A store that cannot be reached when a repository is opened is an error at once.',
      { 'test/contract/rest.test.ts': 'where nobody is, is not waited for' },
    ],
    [
      'What fails later in a way that may pass (a lost connection, a busy server) is retried with growing waits: by a job for up to ten minutes, with a warning that says that it waits for the store, and for 12 seconds where a person waits for an answer (`ls`, a plan, an assistant, the editor).',
      {
        'test/unit/repository/failing-store.test.ts': [
          'is waited for by a job as long as ever, and found again',
          'that answers 500 to everything ends a question within 12 s',
        ],
        'test/unit/repository/retry.test.ts': 'waits twice as long each time, up to a limit',
        'test/unit/jobs/trouble-teller.test.ts': 'trouble with the place of a repository is reported once a minute',
        'test/unit/docs-numbers.test.ts': 'says',
      },
    ],
    [
      'What would fail again is reported at once: no such bucket (while a repository is looked for: no repository there), a wrong key, a clock that is wrong, a certificate that is not trusted, no room.',
      {
        'test/contract/s3.test.ts': '%i %s gives %s, to be repeated: %s, and is asked once',
        'test/contract/rest.test.ts': 'that answers %i gives %s, to be repeated: %s',
        'test/unit/repository/retry.test.ts': 'does not repeat',
      },
    ],
    [
      'Proxies (`HTTPS_PROXY`) are not used.',
      {
        'test/unit/repository/backend/no-proxy.test.ts':
          'a store is asked itself, whatever proxies the environment names',
      },
    ],
    [
      'Redirects are not followed; where a REST server sends to is in the error.',
      { 'test/unit/repository/backend/words.test.ts': 'a redirect is told as what it is' },
    ],
    [
      'An S3 store gives the same answer (301) from a bucket of another region, and is understood so.',
      { 'test/unit/repository/backend/words.test.ts': 'an answer without a name is told with its number' },
    ],
    [
      '**A store that only says no.** Many do not say that they are full: rclone answers 500, and an SFTP server says "Failure" for a used-up quota.',
      {
        'test/unit/repository/failing-store.test.ts': [
          'whose quota is used up is given up soon, and that is said',
          'that refuses to write and lives is given up soon by a',
        ],
      },
    ],
    [
      'When one request has been refused like that three times in a row, the file `config` is asked for. If the store answers that, it runs and refuses this one request; a job then gives up after 45 seconds in all, and says what to look at.',
      {
        'test/unit/repository/failing-store.test.ts': [
          'that refuses to write and lives is given up soon by a',
          'that cannot read one file is given up soon, and another reason is named',
        ],
        'test/unit/docs-numbers.test.ts': 'says',
      },
    ],
    [
      'Its own words for "later" (429, 502, 503, 504) are waited for.',
      { 'test/unit/repository/failing-store.test.ts': 'that says %s means later, and is waited for' },
    ],
    [
      'What a refused upload left under the name of the file is removed.',
      { 'test/unit/repository/failing-store.test.ts': 'that is full and keeps %s of what it refused' },
    ],
    [
      'When a store has been given up, each call of the next minute is tried once, until one works.',
      {
        'test/unit/repository/failing-store.test.ts':
          'that was given up is tried once for each call of the next minute, until one works',
      },
    ],
    [
      '**A store that says nothing.** A request on which nothing moves is given up after five minutes by a job, and after 30 seconds where a person waits.',
      {
        'test/contract/rest.test.ts': 'that says nothing is given up',
        'test/unit/repository/failing-store.test.ts':
          'that says nothing is not asked a second time where the silence took all patience',
        'test/unit/docs-numbers.test.ts': 'says',
      },
    ],
    [
      'Over SFTP that counts only while nothing comes from that host on any other channel either, since on a slow line an answer waits behind others; the channel is closed and the request made again on a new one.',
      {
        'test/unit/remote/sftp-silence.test.ts': [
          'a request without an answer',
          'a real server that was stopped: the save is made again on a new one',
        ],
      },
    ],
    [
      'A connection that died under it is noticed earlier, by the keep-alive of SSH.',
      { 'test/faults/remote-connection.test.ts': 'that goes silent is noticed by the keep-alive' },
    ],
    [
      '**A store that drips.** A byte now and then is a sign of life, but no answer. What all answers of an S3 store or REST server bring together is measured while they are waited for: where it is less than 1 KiB a second, over a minute where a person waits and over five minutes in a job, the request is given up, and the error has the speed that was measured.',
      {
        'test/unit/repository/slow-store.test.ts': [
          'a store that drips',
          'is given up, with the speed that was measured',
        ],
      },
    ],
    [
      'A slow line passes: 100 kbit/s are twelve times as much, however many requests share it.',
      { 'test/unit/repository/slow-store.test.ts': 'that gets on, whatever shares the line' },
    ],
    [
      'Our own limits of speed do not count, and neither does the first second of an answer.',
      {
        'test/unit/repository/slow-store.test.ts': [
          'where our own limit of speed is what slows it down',
          'that thinks before it answers',
        ],
      },
    ],
    [
      '**Files in S3** are stored under `data/xx/`, `keys/`, `config` and so on, as restic stores them.',
      { 'test/interop/stores.test.ts': 'in an S3 store', 'test/contract/s3.test.ts': 'in s3rver' },
    ],
    [
      'Each upload is signed with the hash of its content, so the store refuses what changed on the way.',
      { 'test/ceph/s3.test.ts': 'refuses content that changed on its way, and leaves nothing' },
    ],
    [
      'A file of more than 128 MiB goes in parts of 64 MiB; a process that is killed in the middle of one leaves parts that cost room until the store takes them away, for which most stores have a rule for unfinished uploads.',
      {
        'test/contract/s3.test.ts': 'stores what is large in parts',
        'test/ceph/s3.test.ts': 'stores what is large in parts, and leaves none of them behind',
      },
    ],
    [
      '**The cache**: indexes, restore points and the listings of folders of remote repositories are cached in `$XDG_CACHE_HOME/stillpoint/`, which is `~/.cache/stillpoint/` on most machines, one folder for each repository.',
      {
        'test/unit/repository/backend/cache.test.ts': [
          'are taken of %s, and read instead',
          'are taken of the trees in packs, and of nothing else in them',
        ],
        'test/interop/store-jobs.test.ts':
          'is made, looked at and verified, and what is damaged is found behind the copies',
      },
    ],
    [
      'They lie there encrypted, as they are stored; names and contents of your files cannot be read from them without the password.',
      {
        'test/unit/repository/backend/cache.test.ts': [
          'can be read by their owner alone, and tell backup programs to leave them out',
          'are taken of %s, and read instead',
        ],
      },
    ],
    [
      'A copy counts only if its checksum does, and only if it is what its name says; one that fails is fetched again from the store before anything is called damaged.',
      {
        'test/unit/repository/backend/cache.test.ts': [
          'are not believed when a bit of them changed, wherever',
          'are not believed where they hold something else with a sum that is right',
          'recovers from one bad answer of',
        ],
      },
    ],
    [
      'The folder can be deleted at any time.',
      { 'test/unit/repository/backend/cache.test.ts': 'may be used by several at once while somebody deletes them' },
    ],
    [
      '`check`, `verify`, `forget`, `prune`, `repair`, `unlock` and `key` do not use it: they look at the store itself.',
      { 'test/interop/store-jobs.test.ts': 'is looked at itself by all that proves and removes, with no copies near' },
    ],
    [
      '| rclone 1.60, `rclone serve restic` | in every run of the tests: the suite that every backend passes, with and without a login and TLS of its own; repositories shared with restic 0.14 in both directions |',
      {
        'test/contract/rest.test.ts': 'behind rclone serve restic',
        'test/interop/stores.test.ts': 'behind rclone serve restic',
      },
    ],
    [
      '| Ceph 16.2, `radosgw` on a monitor and a store in memory | `npm run test:ceph`: the same suite; wrong keys, a used-up quota, content that changed on the way, cancelled uploads in parts; a repository shared with restic 0.14 in both directions |',
      {
        'test/ceph/s3.test.ts': [
          'in Ceph',
          'refuses content that changed on its way, and leaves nothing',
          'says that a bucket has no room left',
          'holds a repository that restic and we share',
        ],
      },
    ],
    [
      '| s3rver 3.7, a small S3 server for tests | in every run: the suite; restic 0.14 reads what we wrote |',
      { 'test/contract/s3.test.ts': 'in s3rver', 'test/interop/stores.test.ts': 'in an S3 store' },
    ],
    [
      "| OpenSSH's SFTP server | in every run, see [record 14](decisions/0014-own-sftp-client.md) |",
      { 'test/contract/backend-sftp.test.ts': 'behind sshd', 'test/interop/sftp.test.ts': 'SFTP' },
    ],
    [
      'It is not part of `npm test`, which says so.',
      { 'test/unit/docs-links.test.ts': 'npm test runs every group of tests, or names the script that does' },
    ],
  ],
  exceptions: [
    ['Over SFTP speed is not measured.', 'a limit, and not a promise'],
    [
      'Storage classes from which objects have to be fetched back first (Glacier) cannot be used.',
      'a limit, from the documentation of such stores',
    ],
    [
      "**Ceph's gateway** answers small reads 40 ms late unless `tcp_nodelay=1` is in its `rgw frontends` (beast): 50 ms against 5 ms were measured for a read of 4 kB.",
      'measured once with the Ceph that the table below names',
    ],
    [
      "| restic's rest-server, MinIO, Amazon S3 and other stores | not tried yet; what they say when they refuse something is understood as their documentation has it |",
      'says what was not tried',
    ],
    [
      "`npm run test:ceph` needs Debian's packages `ceph-mon`, `ceph-osd` and `radosgw` (310 MB with what they need, installed by the command itself where it runs as root), about 250 MB of memory and a minute; it uses no disk beside a temporary folder.",
      'what a command costs that is no part of every run',
    ],
  ],
});
