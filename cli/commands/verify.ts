import type { Command } from 'commander';
import { StillpointError } from '../../shared/base/errors.ts';
import type { VerifySubset } from '../../shared/domain/verify-subset.ts';
import { chooseRepository, wholeNumber } from '../arguments.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';
import { type NoLockOption, noLockOf, withNoLock } from './no-lock.ts';

interface VerifyOptions extends DetachOption, NoLockOption {
  readonly percent?: string;
  readonly share?: string;
  readonly daily?: string;
}

/** `stillpoint verify [REPOSITORY]`: all data or a share of it, read and compared with its names. */
export function addVerify(program: Command, shell: Shell): void {
  withDetach(
    withNoLock(
      program
        .command('verify')
        .description('prove a repository by reading all of its data, or a share of it')
        .argument('[repository]', 'name in the configuration; may be left out when there is only one')
        .option('--percent <n>', 'read this percentage of the packs, chosen at random')
        .option('--share <n/t>', 'read the n-th of t parts, as "restic check --read-data-subset=n/t"')
        .option('--daily <days>', 'read the part that the date chooses: this many days in a row read everything'),
    ),
  )
    .addHelpText('after', '\nExample:\n  stillpoint verify main\n  stillpoint verify main --daily 7')
    .action(async (given: string | undefined, options: VerifyOptions) => {
      await shell.runJob(
        async (stillpoint) => {
          const subset = subsetOf(options);
          const repository = await chooseRepository(stillpoint, given);
          return { kind: 'verify', repository, ...(subset === undefined ? {} : { subset }), ...noLockOf(options) };
        },
        { detach: options.detach === true },
      );
    });
}

/** A part is chosen by the first byte of a pack's name, so there are at most 256. */
const MOST_PARTS = 256;

function subsetOf({ percent, share, daily }: VerifyOptions): VerifySubset | undefined {
  if ([percent, share, daily].filter((option) => option !== undefined).length > 1) {
    throw new StillpointError('usage.invalid', 'Only one of --percent, --share and --daily can be given.', {
      advice: 'Choose one of them.',
      cause: undefined,
    });
  }
  if (percent !== undefined) return { kind: 'percent', percent: wholeNumber('--percent', percent, 1, 100) };
  if (daily !== undefined) return { kind: 'daily', days: wholeNumber('--daily', daily, 1, MOST_PARTS) };
  return share === undefined ? undefined : parseShare(share);
}

function parseShare(text: string): VerifySubset {
  const [share = '', of, ...rest] = text.split('/');
  if (of === undefined || rest.length > 0) {
    throw new StillpointError('usage.invalid', `"${text}" is not a share.`, {
      advice: 'Write which of how many parts, such as 1/7.',
      cause: undefined,
    });
  }
  const parts = wholeNumber('The t of --share n/t', of, 1, MOST_PARTS);
  return { kind: 'share', share: wholeNumber('The n of --share n/t', share, 1, parts), of: parts };
}
