/**
 * The folder in which the work of a restore is done, and how what was made there gets to its place: all of it at once in a
 * folder that holds nothing else, or entry by entry as a plan says.
 *
 * Crash story. Dying leaves the work folder. In an empty target that is the user's data, and nothing is at its place. In
 * one with other things each file is the old one or the new one, and the next restore there removes what is left.
 */
import type { EmitEvent } from '../../domain/events.ts';
import type { TargetState } from '../../domain/run-facts.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { KnownFolder } from './existing.ts';
import { clearLeftWork, makeMarkedTree, newWorkName, removeWork } from './left-work.ts';
import type { Outcome } from './outcome.ts';
import { flushWork, placeRestored } from './place.ts';
import type { Figures } from './proof.ts';
import { prepareTarget, type TargetFacts, type WorkFolder, workPath } from './target.ts';
import { notAllMoved, refusalOf } from './target-errors.ts';
import type { TargetPlan } from './target-plan.ts';
import { countRestored, dropWorkFolder, publish } from './work-commands.ts';

export interface Work extends AsyncDisposable {
  /** Where tar makes the entries. */
  readonly folder: WorkFolder;
  readonly facts: TargetFacts;
  /** The folder that is restored into. */
  readonly target: KnownFolder;
  /** From here on what comes is in the work folder. */
  begin(): void;
  /** Moves everything to its place. The answer is what of it was left alone. */
  finish(signal: AbortSignal): Promise<LeftAlone>;
}

type LeftAlone = Figures & { readonly bytes: number };

export interface WorkPorts {
  readonly host: RemoteHost;
  readonly emit: EmitEvent;
}

const CLEAN_UP_MS = 60_000;
const NOTHING: LeftAlone = { files: 0, folders: 0, others: 0, bytes: 0 };

/** In a folder that is empty or new. What comes is the user's data, and is left where it is when the restore fails. */
export async function openWork(target: string, ports: WorkPorts, signal: AbortSignal): Promise<Work> {
  const { host } = ports;
  const { folder, facts, tell } = await prepare(target, ports, false, signal);
  let hasBegun = false;
  return {
    folder,
    facts,
    target: { path: target, id: facts.target },
    begin() {
      hasBegun = true;
      tell('filling');
    },
    async finish(finishSignal) {
      tell('moving');
      const { left } = await host.run(publish(folder), finishSignal);
      if (left.length > 0) throw notAllMoved(target, workPath(folder), left);
      tell('filled');
      return NOTHING;
    },
    async [Symbol.asyncDispose]() {
      if (!hasBegun) await host.run(dropWorkFolder(folder), AbortSignal.timeout(CLEAN_UP_MS));
    },
  };
}

export interface MergePorts extends WorkPorts {
  readonly outcome: Outcome;
  /** What is moved where; it is there when `finish` is called. */
  readonly plan: () => TargetPlan | undefined;
}

/** In a folder with other things. What was not moved is removed, because the repository has it. */
export async function openMerge(target: string, ports: MergePorts, signal: AbortSignal): Promise<Work> {
  const { host, outcome } = ports;
  const { folder: outer, facts, tell } = await prepare(target, ports, true, signal);
  const known: KnownFolder = { path: target, id: facts.target };
  let state: TargetState | undefined;
  const go = (next: TargetState): void => {
    state = next;
    tell(next);
  };
  const drop = async (): Promise<void> => {
    const command = state === undefined ? dropWorkFolder(outer) : removeWork(known, outer.name, facts.work);
    await host.run(command, AbortSignal.timeout(CLEAN_UP_MS));
  };
  try {
    await clearLeftWork(host, known, outer.name, signal);
    const folder = await makeMarkedTree(host, outer, signal);
    return {
      folder,
      facts,
      target: known,
      begin: () => go('filling'),
      async finish(finishSignal) {
        await host.run(flushWork(folder), finishSignal);
        go('moving');
        const left = await moveAll(ports.plan(), { host, folder, known, outcome }, finishSignal);
        go('filled');
        return left;
      },
      async [Symbol.asyncDispose]() {
        // How far the moving came is not known then.
        if (state === 'moving') return;
        await drop();
        if (state === 'filling') go('dropped');
      },
    };
  } catch (error) {
    await drop();
    throw error;
  }
}

interface Placing {
  readonly host: RemoteHost;
  readonly folder: WorkFolder;
  readonly known: KnownFolder;
  readonly outcome: Outcome;
}

/** So many moves are one command. */
const BATCH = 2000;

async function moveAll(
  plan: TargetPlan | undefined,
  { host, folder, known, outcome }: Placing,
  signal: AbortSignal,
): Promise<LeftAlone> {
  let bytes = 0;
  // What was lost on the way is not there to be moved, and is told already.
  const moves = plan?.moves ?? [];
  const made = moves.filter(({ path }) => !outcome.isMissing(path));
  for (const move of moves) if (outcome.isMissing(move.path)) plan?.stays(move);
  for (let at = 0; at < made.length; at += BATCH) {
    for (const { move, reason } of await host.run(
      placeRestored(folder, known.id, made.slice(at, at + BATCH)),
      signal,
    )) {
      outcome.leave(move.path, reason);
      plan?.stays(move);
      bytes += move.bytes;
    }
  }
  const { files, folders, others } = await host.run(countRestored(folder), signal);
  return { files, folders, others, bytes };
}

async function prepare(target: string, { host, emit }: WorkPorts, mayHoldMore: boolean, signal: AbortSignal) {
  const name = newWorkName();
  const facts = await host.run(prepareTarget(target, name, { mayHoldMore }), signal);
  const folder: WorkFolder = { target, name, facts };
  const refusal = refusalOf(target, facts);
  if (refusal !== undefined) {
    if (facts.work !== '') await host.run(dropWorkFolder(folder), AbortSignal.timeout(CLEAN_UP_MS));
    throw refusal;
  }
  const tell = (state: TargetState): void =>
    emit({ type: 'target-changed', path: target, work: workPath(folder), state });
  return { folder, facts, tell };
}
