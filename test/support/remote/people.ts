/** Persons who answer questions, and hosts that are reached through the private sshd. */
import { silentLogger } from '../../../shared/base/log.ts';
import type { HostKeyOffer, Prompter, Question } from '../../../shared/domain/prompter.ts';
import type { HostAddress, HostPorts } from '../../../shared/remote/connect-host.ts';
import { hastyClock } from './commands.ts';
import type { PrivateSshd } from './private-sshd.ts';

export interface Person extends Prompter {
  readonly questions: Question[];
  readonly hostKeys: HostKeyOffer[];
  /** "proved" or "refused", with what the answer opens. */
  readonly settled: string[];
}

/** Answers in order, and declines when there is no answer left. */
export function aPerson(answers: readonly string[], acceptsHostKeys = false): Person {
  const left = [...answers];
  const questions: Question[] = [];
  const hostKeys: HostKeyOffer[] = [];
  const settled: string[] = [];
  return {
    questions,
    hostKeys,
    settled,
    settle: ({ key }, outcome) => settled.push(`${outcome} ${key}`),
    async ask(question) {
      questions.push(question);
      return left.shift();
    },
    async confirmHostKey(question) {
      hostKeys.push(question);
      return acceptsHostKeys;
    },
  };
}

export function portsOf(sshd: PrivateSshd, more: Partial<HostPorts> = {}): HostPorts {
  return {
    prompter: undefined,
    logger: silentLogger,
    clock: hastyClock,
    agentSocket: undefined,
    homeFolder: sshd.folder,
    ...more,
  };
}

export function addressOf(sshd: PrivateSshd, account: string, more: Partial<HostAddress> = {}): HostAddress {
  return { name: account, ssh: account, sshConfigFile: `${sshd.folder}/config`, sudo: 'none', ...more };
}
