/** The dumps of a source, planned: each is looked for on the host, and what stands in the way of any of them is said at once. */
import { displayText } from '../base/bytes.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import { Problems } from '../base/problems.ts';
import type { DumpWish } from '../domain/dump.ts';
import { type RemoteCommand, unreadableOutput } from '../remote/command.ts';
import { lastLines } from '../remote/host-errors.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { type DumpPlan, LACKS, Refusal } from './dump.ts';
import { ON_HOST } from './on-host.ts';
import { dumperOf } from './registry.ts';

/** Errors: `dump.refused`. */
export async function planDumps(wishes: readonly DumpWish[], host: RemoteHost, signal: AbortSignal): Promise<DumpPlan> {
  const problems = new Problems();
  const plans: DumpPlan[] = [];
  for (const wish of wishes) {
    const answer = await host.run(lookFor(wish), signal).catch((error: unknown): Answer => {
      if (!isStillpointError(error, 'remote.deadline')) throw error;
      return { refused: new Refusal('it did not answer in time', 'See what it waits for on the host.') };
    });
    const plan = problems.attempt(() => {
      if ('refused' in answer) throw refusedDump(wish, answer.refused, host.name);
      return answer.plan;
    });
    if (plan !== undefined) plans.push(plan);
  }
  problems.throwIfAny((count) => `${count} dumps of "${host.name}" cannot be made`);
  return { dumps: plans.flatMap(({ dumps }) => dumps), notes: plans.flatMap(({ notes }) => notes) };
}

type Answer = { readonly plan: DumpPlan } | { readonly refused: Refusal };

/** Whatever it ends with is an answer. */
const ANY_CODE = Array.from({ length: 256 }, (_, code) => code);

function lookFor(wish: DumpWish): RemoteCommand<Answer> {
  const dumper = dumperOf(wish);
  const { script, args } = dumper.look(wish);
  const look: RemoteCommand<Answer> = {
    name: 'look-for-dump',
    script: `${ON_HOST}\n${script}`,
    args,
    ...{ needs: 'either', accepts: ANY_CODE, budgetMs: 90_000, repeatable: true },
    parse({ exitCode, stdout, stderr }) {
      if (exitCode === LACKS) return { refused: lacksProgram(stderr) };
      if (exitCode !== 0) {
        const advice = dumper.down?.words.test(stderr) === true ? dumper.down.advice : dumper.leastRights;
        return { refused: new Refusal(`it cannot be reached or read.${lastLines(stderr)}`, advice) };
      }
      const text = stdout.toString('utf8');
      const fields = text.split('\0');
      try {
        if (fields.pop() !== '') throw new Error('its last field is cut');
        return { plan: dumper.plan(wish, fields) };
      } catch (error) {
        if (error instanceof Refusal) return { refused: error };
        throw unreadableOutput(look, (error as Error).message, text);
      }
    },
  };
  return look;
}

function lacksProgram(stderr: string): Refusal {
  const program = displayText(stderr.trim().split('\n').at(-1) ?? '');
  return new Refusal(`there is no program "${program}"`, 'Install it there, or take the dump out of the source.');
}

function refusedDump(wish: DumpWish, { message, advice }: Refusal, host: string): StillpointError {
  const sentence = message.endsWith('.') ? message : `${message}.`;
  return new StillpointError(
    'dump.refused',
    `There can be no dump of ${dumperOf(wish).label(wish)} on "${host}": ${sentence}`,
    { advice, details: { host, of: wish.of }, cause: undefined },
  );
}
