/**
 * The hosts on the way to a host, each as OpenSSH's configuration describes it. The first host to jump through may have
 * a way of its own; the ones behind it are reached through the one before, whatever they say, as OpenSSH does.
 */
import { MAX_JUMPS } from '../budgets.ts';
import { type ConfigQuestion, type Jump, resolveSshConfig } from '../ssh/openssh-config.ts';
import { endlessJumps } from '../ssh/ssh-errors.ts';
import type { Hop } from './client.ts';

/** From the first host to jump through to the host itself. Errors: `ssh.config`, the signal's reason. */
export async function resolveWay(question: ConfigQuestion, signal: AbortSignal): Promise<Hop[]> {
  return await wayTo(question, question.alias, 0, signal);
}

async function wayTo(question: ConfigQuestion, goal: string, jumps: number, signal: AbortSignal): Promise<Hop[]> {
  if (jumps > MAX_JUMPS) throw endlessJumps(goal, MAX_JUMPS);
  const config = await resolveSshConfig(question, signal);
  const way: Hop[] = [];
  if (config.proxy.kind === 'jump') {
    for (const [index, jump] of config.proxy.hops.entries()) {
      const step = questionFor(jump, question);
      if (index === 0) way.push(...(await wayTo(step, goal, jumps + 1, signal)));
      else way.push({ question: step, config: await resolveSshConfig(step, signal) });
    }
  }
  if (way.length > MAX_JUMPS) throw endlessJumps(goal, MAX_JUMPS);
  return [...way, { question, config }];
}

function questionFor({ alias, user, port }: Jump, { homeFolder, configFile }: ConfigQuestion): ConfigQuestion {
  return {
    alias,
    homeFolder,
    ...(configFile === undefined ? {} : { configFile }),
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
  };
}
