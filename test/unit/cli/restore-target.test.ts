import { expect, test } from 'vitest';
import { StillpointError } from '../../../shared/base/errors.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli } from '../../support/scripted-terminal.ts';

test('restore judges the folder before any repository is asked', async () => {
  const asked: string[] = [];
  const stillpoint = scriptedStillpoint({
    overrides: {
      judgeRestoreTarget: async (folder) => {
        asked.push(folder);
        throw new StillpointError('restore.target', 'It is not empty.', {
          advice: 'Choose another.',
          cause: undefined,
        });
      },
      findRestorePoint: async () => {
        asked.push('a repository');
        throw new Error('nobody was to be asked');
      },
    },
  });
  const { stderr } = await runCli(['restore', 'latest', '--to', '/full'], stillpoint);
  expect(stderr).toContain('It is not empty.');
  expect(asked).toEqual(['/full']);
});
