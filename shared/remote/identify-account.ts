import { type RemoteCommand, unreadableOutput } from './command.ts';
import type { Account } from './sudo.ts';

/** Who we are on the host; the cheapest command there is. */
export const identifyAccount: RemoteCommand<Account> = {
  name: 'identify-account',
  script: 'id -u && id -un',
  args: [],
  needs: 'user',
  budgetMs: 20_000,
  repeatable: true,
  leavesNoProcess: true,
  parse(output) {
    const [, uid, name] = /^(\d+)\n([^\n]+)\n$/.exec(output.stdout.toString('utf8')) ?? [];
    if (uid === undefined || name === undefined) {
      throw unreadableOutput(identifyAccount, 'not a number and a name', output.stdout.toString('utf8'));
    }
    return { uid: Number(uid), name };
  },
};
