/** Mistakes that were answered with another one's words, or with none. */
import { expect, test } from 'vitest';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli } from '../../support/scripted-terminal.ts';

test.each<[string[], string]>([
  [['backup', 'shop', 'files', 'more'], 'but got 3: shop, files, more.\n'],
  [['help', 'bakcup'], 'Unknown command "bakcup".\nDid you mean "backup"?\n'],
  [['help', 'xyzzy'], 'Unknown command "xyzzy".\nThe commands are listed above.\n'],
  [['verify', '--share', '1-3'], '"1-3" is not a share.\nWrite which of how many parts, such as 1/7.'],
  [['verify', '--share', '1/3/5'], '"1/3/5" is not a share.'],
  [['verify', '--share', '4/3'], 'The n of --share n/t is "4".'],
  [['forget', '--apply', 'main'], '"main" is not the id of a plan.'],
  [['forget', '--keep-last', '3', '--apply', 'main'], 'The name of a repository stands before --apply.'],
  [['prune', '--apply', 'main'], '"main" is not the id of a plan.'],
])('stillpoint %j', async (words, sentence) => {
  const stillpoint = scriptedStillpoint();
  const { exitCode, stdout, stderr } = await runCli(words, stillpoint);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(sentence);
  expect(stderr).toMatch(/\[usage\.invalid\]\n$/);
  expect(stillpoint.calls).toEqual([]);
});
