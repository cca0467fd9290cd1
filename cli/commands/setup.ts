import type { Command } from 'commander';
import { cancelled } from '../../shared/base/cancel.ts';
import { StillpointError } from '../../shared/base/errors.ts';
import { parseLocation } from '../../shared/domain/location.ts';
import { hostName, type RepositoryName, repositoryName, type SourceName } from '../../shared/domain/names.ts';
import type { HostReadiness, ProposedSource } from '../../shared/domain/readiness.ts';
import type { SetupPlan, SetupRequest } from '../../shared/domain/setup-plan.ts';
import type { Stillpoint } from '../../shared/stillpoint.ts';
import { HOST } from '../arguments.ts';
import { EXIT } from '../exit-codes.ts';
import { renderReadiness } from '../render/readiness.ts';
import { renderSetupDone, renderSetupPlan } from '../render/setup.ts';
import type { Shell } from '../shell.ts';

interface SetupOptions {
  readonly source?: readonly string[];
  readonly repository?: string;
  readonly location?: string;
  readonly yes?: true;
  readonly backup: boolean;
}

/** Asks the person; undefined where nobody is there, or nobody is to be asked. */
type Ask = ((question: string) => Promise<string>) | undefined;

/** Where a first repository is offered to lie. */
const OFFERED = '~/backups/main';

/** `stillpoint setup HOST`: from a name of the SSH configuration to a first backup. */
export function addSetup(program: Command, shell: Shell): void {
  program
    .command('setup')
    .description('from a host that ssh reaches to a first backup: look at it, write the configuration, back it up')
    .argument('<host>', HOST)
    .option(
      '--source <name...>',
      'of the proposed sources, those that are wanted; without it you are asked, or all are',
    )
    .option('--repository <name>', 'a repository of the configuration')
    .option('--location <location>', "where a new repository shall lie: a folder, or a location in restic's syntax")
    .option('--yes', 'write and make what is shown without asking')
    .option('--no-backup', 'make no backup at the end')
    .addHelpText(
      'after',
      '\nNothing is written before you have said yes, and no more than three things are asked. Comments and the form of your\nconfiguration stay. Off a terminal, and with --json, nothing is asked: it prints what it would write and, without --yes,\nwrites nothing; with --json it makes no backup.\n\nExample:\n  stillpoint setup db1\n  stillpoint setup db1 --location sftp:nas:/srv/backup --yes',
    )
    .action(async (host: string, options: SetupOptions) => {
      const sources: SourceName[] = [];
      await shell.talk(async (stillpoint, signal, say) => {
        const name = hostName(host);
        const ask = askOf(shell, options, signal);
        const choice = await placesFor(stillpoint, shell, options, ask);
        const readiness = await stillpoint.adviseHost(name, signal);
        say((paint) => `${renderReadiness(readiness, paint)}\n`);
        const request: SetupRequest = {
          ...{ host: readiness.host, proposedHost: readiness.proposedHost },
          sources: await chooseSources(readiness, options, ask),
          repository: choice.kind === 'said' ? choice.place : await askPlace(choice.known, shell, ask),
        };
        const plan = await stillpoint.planSetup(request);
        say((paint) => renderSetupPlan(plan, paint));
        await requireYes(plan, options, ask);
        const done = await stillpoint.applySetup(request, plan.id, signal);
        if (options.backup && !shell.isJson) sources.push(...done.sources);
        return { document: { setup: done, readiness }, text: (paint) => renderSetupDone(done, options.backup, paint) };
      });
      await backUp(sources, shell);
    });
}

/** One after the other; the first that is not well says how the command ends. */
async function backUp(sources: readonly SourceName[], shell: Shell): Promise<void> {
  let worst = shell.exitCode;
  for (const source of sources) {
    await shell.runJob(async () => ({ kind: 'backup', source }), { detach: false });
    if (worst === EXIT.ok) worst = shell.exitCode;
    if (shell.exitCode === EXIT.cancelled) break;
  }
  shell.exitCode = worst;
}

function askOf(shell: Shell, { yes }: SetupOptions, signal: AbortSignal): Ask {
  const { ask } = shell.surroundings;
  if (ask === undefined || yes === true || shell.isJson) return undefined;
  return async (question) => {
    const answer = await ask(question, signal);
    signal.throwIfAborted();
    if (answer === undefined) throw cancelled('The setup');
    return answer.trim();
  };
}

async function chooseSources(
  { proposedSources, host }: HostReadiness,
  { source }: SetupOptions,
  ask: Ask,
): Promise<readonly ProposedSource[]> {
  if (proposedSources.length === 0) {
    throw new StillpointError('usage.invalid', `There is no volume on "${host}" that could be backed up.`, {
      advice: 'See above what would help, then do the same again.',
      cause: undefined,
    });
  }
  const names = proposedSources.map(({ name }) => name);
  let wanted = source;
  if (wanted === undefined && ask !== undefined && names.length > 1) {
    const answer = await ask(`Which of these sources: ${names.join(', ')}? Enter for all of them: `);
    wanted = answer === '' ? undefined : answer.split(/[\s,]+/);
  }
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown === undefined) return proposedSources.filter(({ name }) => wanted?.includes(name) ?? true);
  throw new StillpointError('usage.invalid', `"${unknown}" is not one of the proposed sources.`, {
    advice: `They are ${names.map((name) => `"${name}"`).join(' and ')}.`,
    cause: undefined,
  });
}

type Place = SetupRequest['repository'];
type Choice =
  | { readonly kind: 'said'; readonly place: Place }
  | { readonly kind: 'open'; readonly known: readonly RepositoryName[] };

/** As far as it is said where to, before anybody logs in. */
async function placesFor(
  stillpoint: Stillpoint,
  shell: Shell,
  { repository, location }: SetupOptions,
  ask: Ask,
): Promise<Choice> {
  if (repository !== undefined && location !== undefined) {
    throw new StillpointError('usage.invalid', '--repository and --location are both given.', {
      advice: 'Keep --repository for one that the configuration has, or --location for a new one.',
      cause: undefined,
    });
  }
  if (location !== undefined) return { kind: 'said', place: { location: typed(location, shell) } };
  const known = (await stillpoint.listRepositories()).map(({ name }) => name);
  if (repository !== undefined) return { kind: 'said', place: { name: oneOf(known, repository) } };
  const [only, ...others] = known;
  if (only !== undefined && others.length === 0) return { kind: 'said', place: { name: only } };
  if (ask === undefined) throw nobodyToAsk(known);
  return { kind: 'open', known };
}

async function askPlace(known: readonly RepositoryName[], shell: Shell, ask: Ask): Promise<Place> {
  const [first] = known;
  if (first === undefined) {
    const answer = await ask?.(
      `Where shall the repository lie? A folder, or a location as restic writes it; Enter for ${OFFERED}: `,
    );
    return { location: typed(answer || OFFERED, shell) };
  }
  const answer = await ask?.(`Into which repository: ${known.join(', ')}? Enter for ${first}: `);
  return { name: answer ? oneOf(known, answer) : first };
}

function oneOf(known: readonly RepositoryName[], text: string): RepositoryName {
  const name = repositoryName(text);
  if (known.includes(name)) return name;
  const there = known.length === 0 ? 'It has none yet' : `It has ${known.map((each) => `"${each}"`).join(', ')}`;
  throw new StillpointError('config.unknown-repository', `There is no repository "${name}" in the configuration.`, {
    advice: `${there}; for a new one, say with --location where it shall lie.`,
    details: { name, known },
    cause: undefined,
  });
}

/** A folder is meant from where the person stands; in the file it would be meant from there. */
function typed(location: string, shell: Shell): string {
  const place = parseLocation(location);
  return place.kind === 'local' ? shell.fromHere(place.path) : location;
}

function nobodyToAsk(known: readonly RepositoryName[]): StillpointError {
  const names = known.map((name) => `"${name}"`).join(', ');
  return new StillpointError('usage.invalid', 'Where the restore points shall go is not said, and nobody is asked.', {
    advice: known.length === 0 ? 'Name it with --location.' : `Name one with --repository: ${names}.`,
    cause: undefined,
  });
}

async function requireYes(plan: SetupPlan, { yes, backup }: SetupOptions, ask: Ask): Promise<void> {
  if (yes === true) return;
  if (ask === undefined) {
    throw new StillpointError('usage.invalid', 'What is shown is written only with --yes where nobody can be asked.', {
      advice: 'Look at it, then do the same with --yes.',
      details: { plan },
      cause: undefined,
    });
  }
  const answer = await ask(`Do this${backup ? ', and make the first backup' : ''}? Type yes to continue: `);
  if (answer.toLowerCase() !== 'yes') throw cancelled('The setup');
}
