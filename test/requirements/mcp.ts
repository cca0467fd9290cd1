/** What docs/mcp.md promises, and what holds it. */
import { ofPage } from './page.ts';

export const MCP = ofPage('docs/mcp.md', {
  promises: [
    [
      'Through it an assistant can look at hosts, plan a backup, start one, follow it, and look into restore points.',
      { 'test/e2e/shells.test.ts': 'looks at the host, plans, backs up, waits, and finds the file again' },
    ],
    [
      'It cannot delete, overwrite or restore anything, read what is in a file, run a command, see a password, or accept a host key: there is no tool for these, and none takes a "yes" as an argument.',
      {
        'test/mcp/contract.test.ts': [
          'docs/mcp.md tells of exactly these tools',
          'no tool takes a secret, a command, an address or a yes',
        ],
      },
    ],
    [
      "The configuration file comes from `--config`, else from `STILLPOINT_CONFIG`, else from the user's configuration folder.",
      {
        'test/mcp/program.test.ts': [
          'works on the configuration that it was given',
          'a file that begins with ~/ is in the home folder: no shell has replaced it',
        ],
        'test/unit/config/configuration.test.ts':
          'is the one that the caller names, then STILLPOINT_CONFIG, then the user’s folder',
      },
    ],
    [
      'The file is read by the server alone; a client cannot change it, and a mistake in it does not keep the server from starting: the next call says what is wrong.',
      {
        'test/mcp/program.test.ts': 'starts without a configuration, and the first call says what is missing',
        'test/mcp/tools.test.ts': 'a configuration that was mended is used without a restart',
      },
    ],
    [
      '`--log-level` (`debug`, `info`, `warn`, `error`) sets what is written to standard error.',
      {
        'test/mcp/program.test.ts':
          'standard output holds the protocol and nothing else; the log goes to standard error',
      },
    ],
    [
      'Both eras of the protocol are served, from 2024-11-05 to 2026-07-28.',
      {
        'test/mcp/stdio.test.ts': [
          'a client of the first generation is served',
          'lists the tools, starts a backup and follows it',
        ],
      },
    ],
    [
      'Where one is needed, the answer is an error that names the command which does the same in a terminal, where you are asked, for instance `stillpoint inspect db1 --config …`.',
      { 'test/mcp/tools.test.ts': 'what needs a person names the exact command for one' },
    ],
    [
      '| `list_hosts` | `limit`, `cursor` | Lists the hosts that assistants may use, with their sources, without connecting to them. | no | | `inspect_host` | `host` | Logs in to a host and reports its volumes, what could be snapshotted and why not, and the room for snapshots. | no | | `advise_host` | `host` | Logs in to a host and says what in a backup would be dangerous, left out or inconsistent, where databases lie, and which source fits. | no | | `list_kept_snapshots` | `host` | Lists the snapshots that people keep on a host on purpose, with reason, expiry and how full each is. | no | | `plan_backup` | `source` | Works out exactly what a backup of a source would do now: snapshots, room, consistency, the steps that would change the host, risks. | no | | `start_backup` | `source`, `plan` | Starts a backup of a source and returns its job at once; the job runs in a process of its own and continues if this conversation ends. | yes | | `get_job` | `jobId`, `waitSeconds`, `sinceEvent` | Returns the state of a job, its progress, its result or error, and its events after sinceEvent. | no | | `list_jobs` | `states`, `allConfigurations`, `limit`, `cursor` | Lists the jobs of this configuration, newest first, whoever started them: a person, a timer or an assistant. | no | | `list_restore_points` | `repository`, `source`, `hostname`, `since`, `limit`, `cursor` | Lists the restore points in the repositories, newest first, with their consistency and size. | no | | `browse_files` | `restorePointId`, `repository`, `source`, `hostname`, `path`, `limit`, `cursor` | Lists the entries of one folder in a restore point: names, types, sizes, owners, times. | no |',
      { 'test/mcp/contract.test.ts': 'docs/mcp.md tells of exactly these tools' },
    ],
    [
      'Every tool has an input schema that refuses unknown arguments, an output schema that names the fields of its answer, and annotations (`readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`) by which clients decide when to ask.',
      {
        'test/mcp/contract.test.ts': [
          'every argument has a description, and no tool takes unknown ones',
          'every answer says what it is, what comes next, and that it holds data',
          'the annotations are the agreed ones',
        ],
      },
    ],
    [
      'The whole list takes less than 12 kB of a conversation.',
      { 'test/mcp/contract.test.ts': 'tools/list stays affordable' },
    ],
    [
      'Lists in answers are cut at about 30 kB and continue with `cursor` and `nextCursor`; where a list inside a record is cut, `omitted` says by how much.',
      {
        'test/mcp/tools.test.ts': [
          'pages follow each other without gap or repetition',
          'a long list of large entries stays below the limit',
          'lists inside an answer say how much of them is missing',
        ],
        'test/unit/docs-numbers.test.ts': 'says',
      },
    ],
    ['Sizes are whole bytes, times are ISO 8601.', { 'test/mcp/tools.test.ts': 'every tool answers as agreed' }],
    [
      'An answer has a short sentence, the data as JSON text for older clients, and the same data as `structuredContent`.',
      { 'test/mcp/tools.test.ts': 'every tool answers as agreed' },
    ],
    [
      'There, `summary` says it in one sentence, `nextStep` what to do next, and `notice` that what follows is data.',
      { 'test/mcp/contract.test.ts': 'every answer says what it is, what comes next, and that it holds data' },
    ],
    [
      'Assistants may use the hosts that the configuration names, under `hosts` or in a source. Those that only your SSH configuration knows they neither see nor log in to, unless the configuration has `"assistants": {"sshHosts": true}`.',
      {
        'test/mcp/tools.test.ts':
          'a host of the SSH configuration alone is not for assistants, unless the configuration says so',
      },
    ],
    [
      'Eight calls that reach out to hosts or stores are worked on at a time and 32 wait; more are refused with `run.busy`.',
      {
        'test/mcp/tools.test.ts': 'a flood of calls is refused at once, and those that were taken are answered',
        'test/unit/docs-numbers.test.ts': ['says', 'the number that is written as a word is that of the limit'],
      },
    ],
    [
      'A backup is a job in a process of its own. It continues when the conversation ends, the client is closed or the call that waited for it is abandoned; `list_jobs` finds it again, and so do VS Code and the command line.',
      {
        'test/e2e/shells.test.ts': 'may leave: the backup that it started goes on, and the command line follows it',
        'test/mcp/get-job.test.ts': 'giving up on get_job stops the waiting and not the job',
      },
    ],
    [
      'Starting a backup that is already running returns the running job with `alreadyRunning: true`.',
      { 'test/mcp/get-job.test.ts': 'starting what runs already gives the running job' },
    ],
    [
      '`get_job` waits up to 50 seconds for the end of the job if `waitSeconds` says so, and sends progress notifications to clients that ask for them, at most one a second.',
      {
        'test/mcp/get-job.test.ts': [
          'waiting longer than 50 s is refused',
          'progress is told to a client that asked, rising, in our own words',
        ],
        'test/unit/docs-numbers.test.ts': 'says',
      },
    ],
    [
      'A failed call has `isError: true` and a text of three lines: what happened, what to do next, and the code in brackets.',
      { 'test/mcp/tools.test.ts': 'a failure carries message, advice and code, and no stack' },
    ],
    [
      'Where several things are wrong, each has a line of its own below the first; where a person at a terminal can help, a last line has the command.',
      {
        'test/mcp/tools.test.ts': [
          'each mistake of the configuration has a line of its own',
          'what needs a person names the exact command for one',
        ],
      },
    ],
    [
      'A call to a tool that there is not, or with arguments that are no object, is refused as an error of the protocol.',
      {
        'test/mcp/tools.test.ts': 'an unknown tool is refused by the protocol',
        'test/mcp/wrong-arguments.test.ts': [
          'an unknown tool is answered with those that there are',
          'arguments that are',
        ],
      },
    ],
    [
      'A store that fails is not waited for longer than 12 seconds, and one that is silent for 30; then the call ends with an error that says which of the two it was.',
      {
        'test/unit/facade/patience.test.ts': 'a store that answers %s to everything ends a question within 12 s',
        'test/unit/docs-numbers.test.ts': 'says',
      },
    ],
    [
      'Programs find the same in `_meta` under `stillpoint/error`: `code`, `message`, `advice`, `details`, and `command` where a person has to run one.',
      {
        'test/mcp/tools.test.ts': [
          'a failure carries message, advice and code, and no stack',
          'what needs a person names the exact command for one',
        ],
      },
    ],
    [
      'The codes are those of the command line.',
      {
        'test/unit/cli/exit-codes.test.ts': 'every area of error codes has an exit code, and no area is made up',
        'test/mcp/tools.test.ts': 'a failure carries message, advice and code, and no stack',
      },
    ],
    [
      'Names of volumes and files, messages of programs and everything else that a backed-up machine can choose may have been chosen by an attacker who broke into it, to speak to your assistant. Every answer says that what is in it is data.',
      {
        'test/mcp/contract.test.ts': 'every answer says what it is, what comes next, and that it holds data',
        'test/mcp/tools.test.ts':
          'hostile text reaches the assistant only as data: bounded, without control characters',
      },
    ],
    [
      'Such text carries no control, direction or unseen characters, cannot end the quotation that it is in, and is bounded; the summaries contain none of it.',
      {
        'test/mcp/tools.test.ts': [
          'hostile text reaches the assistant only as data: bounded, without control characters',
          'what a host said cannot end its quotation, nor hide anything, in messages or in details',
        ],
      },
    ],
    [
      'What protects your backups is that the tools can do no harm.',
      {
        'test/mcp/contract.test.ts': [
          'no tool takes a secret, a command, an address or a yes',
          'the annotations are the agreed ones',
        ],
      },
    ],
  ],
  exceptions: [
    [
      'Repositories are asked one after the other, so a call that asks several waits for each of them: with two that are silent it takes longer than the minute after which many clients give up. Name a `repository` then.',
      'a limit, with what helps',
    ],
    ['Jobs are more patient: [how stores are used](repositories.md#how-it-is-used).', 'a link to another page'],
    [
      'That makes confusion harder; it does not protect against an assistant that believes what it reads.',
      'a limit, and not a promise',
    ],
  ],
});
