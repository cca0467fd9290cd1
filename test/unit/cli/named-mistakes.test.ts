/** Mistakes that were answered with another one's words, or with none. */
import { expect, test } from 'vitest';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli } from '../../support/scripted-terminal.ts';

test.each<[string[], string]>([
  [['backup', 'shop', 'files', 'more'], 'but got 3: shop, files, more.\n'],
  [['help', 'bakcup'], 'Unknown command "bakcup".\nDid you mean "backup"?\n'],
  [['help', 'xyzzy'], 'Unknown command "xyzzy".\nThere are setup, prepare, init, hosts, '],
  [['help', 'key', 'lst'], 'Unknown command "lst" of "key".\nDid you mean "list"?\n'],
  [['key', 'help', 'xyzzy'], 'Unknown command "xyzzy" of "key".\nThere are list, add, change, remove.\n'],
  [['--config', 'help', 'help', 'bakcup'], 'Unknown command "bakcup".\nDid you mean "backup"?\n'],
  [['verify', '--share', '1-3'], '"1-3" is not a share.\nWrite which of how many parts, such as 1/7.'],
  [['verify', '--share', '1/3/5'], '"1/3/5" is not a share.'],
  [['verify', '--share', '4/3'], 'The n of --share n/t is "4".'],
  [['forget', '--apply', 'main'], '"main" is not the id of a plan.'],
  [['forget', '--keep-last', '3', '--apply', 'main'], 'The name of a repository stands before --apply.'],
  [['prune', '--apply', 'main'], '"main" is not the id of a plan.'],
  [['restore', 'latest', '--to', 'x', ''], 'A path is empty.\nWrite "/" for everything'],
  [['ls', 'latest', ''], 'A path is empty.'],
  [['diff', 'a', 'b', ''], 'A path is empty.'],
  [['forget', 'main', '--keep-last', '3', '--max-unused', '10%'], '--max-unused says how to prune.\nAdd --prune'],
  [['forget', 'main', '--keep-last', '3', '--repack-uncompressed'], '--repack-uncompressed says how to prune.'],
  [['forget', 'main', '--group-by', 'host'], '--group-by needs keep rules on the command line.'],
  [['forget', 'main', '--point', '1a2b3c4d', '--group-by', 'foo'], '--group-by needs keep rules'],
  [['--config', '', 'hosts'], '--config names no file.'],
  [['restore', 'latest', '--to', '/tmp/lat\uFFFD'], '" has bytes that are not UTF-8'],
  [['ls', 'latest', '/srv/caf\uFFFD'], String.raw`as "ls" shows it, such as \xe9;`],
  [
    ['prepare', 'db1', '/dev/sdb', '--group', 'd', '--add-to', 'e'],
    '--group and --add-to are both given.\nKeep one of them',
  ],
  [['backup'], 'Missing required argument "source".\n"stillpoint backup --help" explains the command.'],
  [['key', 'remove'], '"stillpoint key remove --help" explains the command.'],
  [['--quiet', '--config', 'list', 'check', '--bogus'], '"stillpoint check --help" explains the command.'],
  [['-x'], '"stillpoint --help" lists the commands.'],
  [['list', 'main'], '"list" looks into all repositories; to name one: --repository NAME.'],
  [
    ['dump', 'latest', '/a'],
    'Unknown command "dump".\n"stillpoint restore POINT PATH --to -" writes files to standard',
  ],
  [['snapshots'], 'Unknown command "snapshots".\n"stillpoint list" lists the restore points.'],
  [['repair', 'snapshots', 'main'], '"stillpoint repair points" is the command.'],
  [['check', '--read-data'], 'Unknown option "--read-data".\n"stillpoint verify" reads all data.'],
  [
    ['restore', 'latest', '--to', 'x', '--target', 'y'],
    'Unknown option "--target".\nThe folder to restore into is named by --to.',
  ],
  [
    ['restore', 'latest', '--target=y'],
    'Required option "--to <folder>" not specified.\nThe folder to restore into is named by --to.',
  ],
  [['backup', 'shop', '--plan', '1'], 'It has 16 hexadecimal digits; "stillpoint plan" prints it.\n'],
  [['sweep', 'db1', '--dry-run', '--plan', '0123456789abcdef'], '--dry-run and --plan are both given.'],
  [['sweep', 'db1', '--plan', '1'], 'It has 16 hexadecimal digits; "stillpoint sweep" with --dry-run prints it.\n'],
  [
    ['prune', '--dry-run'],
    'Without --apply, forget, prune and repair only show what they would do; for a backup "stillpoint plan" does.',
  ],
  [['--repo', '/x', 'init'], 'Unknown option "--repo".\nWhere repositories lie is written into the configuration'],
  [['-r', '/x', 'backup', '/home'], 'commands take the name of one.'],
  [['init', '--password-file', 'pw'], '"passwordFile" or "passwordCommand"'],
  [['init', '/srv/repo'], 'It looks like a path or a location, and a name stands here. Use letters'],
  [['backup', '/home'], '"/home" cannot be the name of a source.\nIt looks like a path'],
  [['backup', 'shop', '--exclude', '*.tmp'], 'What is left out is written into the source: "exclude"'],
  [['plan', 'shop', '-x'], 'written into the source: "oneFileSystem": true.'],
  [['backup', 'shop', 'files'], 'One source is backed up at a time; which paths'],
  [['hosts', 'db1'], '"stillpoint inspect HOST" looks at one of them.'],
  [['find', '-name', '*.pdf'], 'Write the pattern alone: stillpoint find "*.pdf".'],
  [['tag', 'latest'], 'Unknown command "tag".\nNo command changes a restore point; "stillpoint forget" removes one.'],
  [['list', '--last', '5'], 'Unknown option "--last".\n"stillpoint list" lists all restore points, the newest first;'],
  [['status'], 'Unknown command "status".\n"stillpoint jobs" shows what runs and what has run.'],
  [['delete', 'latest'], '"stillpoint forget" removes restore points.'],
  [['config'], 'The configuration is a file, see --config; "stillpoint setup HOST" writes a first one.'],
  [['version'], '"stillpoint --version" prints it.'],
])('stillpoint %j', async (words, sentence) => {
  const stillpoint = scriptedStillpoint();
  const { exitCode, stdout, stderr } = await runCli(words, stillpoint);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(sentence);
  expect(stderr).toMatch(/\[usage\.invalid\]\n$/);
  expect(stillpoint.calls).toEqual([]);
});

test.each<[string[], string]>([
  [[], 'No command was given.'],
  [['snapshot'], '"snapshot" needs one of its commands.'],
  [['key'], '"key" needs one of its commands.'],
  [['repair', '--quiet'], '"repair" needs one of its commands.'],
  [['help', 'bakcup'], 'Unknown command "bakcup".'],
  [['key', 'help', 'lst'], 'Unknown command "lst" of "key".'],
  [['bakcup'], 'Unknown command "bakcup"'],
  [['check', '--bogus'], 'Unknown option "--bogus".'],
  [['key', 'lst'], 'Unknown command "lst"'],
])('stillpoint --json %j leaves standard error empty', async (words, sentence) => {
  for (const line of [
    ['--json', ...words],
    [...words, '--json'],
  ]) {
    const { exitCode, stdout, stderr } = await runCli(line, scriptedStillpoint());
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: '' });
    const { type, error } = JSON.parse(stdout) as { type: string; error: { code: string; message: string } };
    expect({ type, code: error.code }).toEqual({ type: 'exit', code: 'usage.invalid' });
    expect(error.message).toContain(sentence);
  }
});

test.each<[string[]]>([[['help']], [['help', 'backup', 'shop']], [['help', 'key', 'add']], [['key', 'help', 'list']]])(
  'stillpoint %j is help',
  async (words) => {
    const { exitCode, stdout, stderr } = await runCli(words, scriptedStillpoint());
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('Usage: stillpoint');
  },
);

test.each<[string[], ...string[]]>([
  [['stats', '72eaf642'], 'looks like the id of a restore point', 'stillpoint stats main 72eaf642'],
  [['forget', '72EAF642'], 'looks like the id of a restore point', 'stillpoint forget main --point 72EAF642'],
  [['check', 'f'.repeat(64)], 'looks like the id of a restore point', 'works on a whole repository'],
  [['forget', 'latest'], 'it stands for a restore point', 'stillpoint forget main --point ID\n'],
  [['prune', 'latest'], 'There is no repository "latest"; it stands for a restore point.'],
  [['key', 'remove', 'main', '1a2b3c4d'], 'looks like the id of a key', 'stillpoint key remove 1a2b3c4d main'],
  [['repair', 'packs', '1a2b3c4d'], 'looks like the id of a pack', 'stillpoint repair packs main 1a2b3c4d'],
  [['diff', 'a', 'b', '--repository', '72eaf642'], 'looks like the id of a restore point'],
])('stillpoint %j: an id where a repository is wanted', async (words, ...sentences) => {
  const { exitCode, stderr } = await runCli(words, scriptedStillpoint());
  expect(exitCode).toBe(3);
  for (const sentence of [...sentences, 'The name of a repository is wanted here: "main"']) {
    expect(stderr).toContain(sentence);
  }
  expect(stderr).toMatch(/\[config\.unknown-repository\]\n$/);
});
