/**
 * A mirror as the end of a run: a folder with a complete state for each run, in which what has not changed is the same
 * file as in the state before.
 *
 * Invariant: a new state has its name, and is the latest, only after the end check has passed, every entry of it was
 * found as it was read, and the content that was written was read back. The states before are not touched until then.
 *
 * Crash story. A run that dies leaves its work in a folder `.stillpoint-incomplete-…`, which the next run removes.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { cleanupSignal, never } from '../../base/cancel.ts';
import { invariant, StillpointError } from '../../base/errors.ts';
import { judgeConsistency } from '../../domain/consistency.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { HostName } from '../../domain/names.ts';
import type { TargetState } from '../../domain/run-facts.ts';
import type { Source } from '../../domain/source.ts';
import { type ExportReport, type MirrorTarget, placeOf } from '../../domain/verbs/export.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Node } from '../../repository/node.ts';
import { TAR_END } from '../../tar/writer.ts';
import type { RunPhase } from '../backup/phases.ts';
import { pointDraft } from '../backup/point-draft.ts';
import type { ReadingSink } from '../backup/reading-sink.ts';
import type { CommitContext, Sink } from '../backup/sink.ts';
import { fitNode, obstacleTo, type TargetTraits } from '../restore/fit-node.ts';
import { probeTarget } from '../restore/probe.ts';
import { EXCHANGED, type WorkFolder, workPath } from '../restore/target.ts';
import { targetExchanged } from '../restore/target-errors.ts';
import { BuiltTree } from './built-tree.ts';
import { EntrySink, parseLine } from './entry-sink.ts';
import { exportFigures, tellSocket } from './figures.ts';
import { LineSpool } from './line-spool.ts';
import { Losses } from './losses.ts';
import { pathOfLine } from './manifest-line.ts';
import { loadBefore, type StateBefore } from './mirror-before.ts';
import { dropEntries, dropWork, FILES, listMirror, publishState, storeBeside, sumFiles } from './mirror-commands.ts';
import { MirrorFilling } from './mirror-filling.ts';
import { mirrorError, prepareMirror, refusalOfMirror, WORK_PREFIX } from './mirror-place.ts';
import { differenceOf, readBack, type SummedFile } from './mirror-proof.ts';
import { TreeSpool } from './tree-spool.ts';

export interface MirrorPorts {
  openKeeper(host: HostName | undefined, signal: AbortSignal): Promise<RemoteHost>;
  readonly emit: EmitEvent;
  readonly workFolder: string;
}

type Report = Omit<ExportReport, 'snapshots'>;

const CLEAN_UP_MS = 10 * 60_000;

export async function openMirrorSink(
  source: Source,
  to: MirrorTarget,
  ports: MirrorPorts,
  signal: AbortSignal,
): Promise<Sink<Report>> {
  const { folder: target } = to;
  if (!target.startsWith('/') || target.includes('\0') || target.includes('\n'))
    throw mirrorError(`"${target}" is no absolute path in one line.`, 'Begin the path with "/".');
  await using opening = new AsyncDisposableStack();
  const host = opening.use(await ports.openKeeper(to.host, signal));
  const name = `${WORK_PREFIX}${randomBytes(4).toString('hex')}`;
  const facts = await host.run(prepareMirror(target, name, `the source "${source.name}" of "${source.host}"`), signal);
  const refusal = refusalOfMirror(placeOf(to), facts);
  const folder: WorkFolder = { target, name, facts };
  if (facts.work !== '') opening.defer(() => host.run(dropWork(folder), cleanupSignal(CLEAN_UP_MS)));
  if (refusal !== undefined) throw refusal;
  const probed = await host.run(probeTarget(folder, { ...facts, state: 'ready' }), signal);
  const traits = { ...probed.traits, devices: probed.traits.devices && facts.uid === 0 };
  const { symlinks, hardLinks, exactNames, permissions } = traits;
  if (!(symlinks && hardLinks && exactNames && permissions))
    throw mirrorError(
      `The file system of "${placeOf(to)}" cannot hold what a Linux system has: links, permissions and names as bytes.`,
      'Choose a folder on another file system, or export to an archive.',
    );
  const fit = (node: Node): Node | undefined =>
    obstacleTo(node, traits) === undefined ? fitNode(node, traits).node : undefined;
  const before =
    facts.latest === ''
      ? undefined
      : await loadBefore(
          facts.latest,
          { ...ports, host, folder, file: join(ports.workFolder, 'before') },
          { fit, traits },
          signal,
        );
  if (before !== undefined) opening.use(before.folders);
  return new MirrorSink({ to, host, folder, traits, before, fit }, ports, opening.move());
}

interface Place {
  readonly to: MirrorTarget;
  readonly host: RemoteHost;
  readonly folder: WorkFolder;
  readonly traits: TargetTraits;
  readonly before: StateBefore | undefined;
  readonly fit: (node: Node) => Node | undefined;
}

interface Writing {
  readonly entries: EntrySink;
  readonly folders: TreeSpool;
  readonly filling: MirrorFilling;
  lines: LineSpool;
}

class MirrorSink implements Sink<Report> {
  readonly commitsAtOnce = false;
  readonly settled = Promise.resolve();
  readonly signal = never;
  readonly #place: Place;
  readonly #ports: MirrorPorts;
  readonly #opened: AsyncDisposableStack;
  readonly #resources = new AsyncDisposableStack();
  #state: TargetState | undefined;
  #writing: Writing | undefined;
  #path: string;

  constructor(place: Place, ports: MirrorPorts, opened: AsyncDisposableStack) {
    this.#place = place;
    this.#ports = ports;
    this.#opened = opened;
    this.#path = placeOf(place.to);
  }

  async begin(_forRun: undefined, signal: AbortSignal): Promise<ReadingSink> {
    const { host, folder, traits, before, fit } = this.#place;
    this.#tell('filling');
    const filling = this.#resources.use(new MirrorFilling(host, folder, traits, signal));
    const folders = this.#resources.use(await TreeSpool.create(join(this.#ports.workFolder, 'folders')));
    const lines = this.#spool('lines');
    const entries = new EntrySink(filling.out, {
      ...{
        folders,
        foldersBefore: before?.folders,
        lines,
        streamFile: join(this.#ports.workFolder, 'stream'),
        late: this.#spool('late'),
        fit,
      },
      findParent: async () => before?.point,
      holds: () => before !== undefined,
      under: Buffer.from(`${folder.name}/${FILES}`),
      ...(before === undefined ? {} : { before: Buffer.from(before.name) }),
      namesFoldersAgain: false,
    });
    this.#writing = { entries, folders, filling, lines };
    return entries;
  }

  async commit(context: CommitContext, phase: RunPhase<'export'>, signal: AbortSignal): Promise<Report> {
    const writing = this.#writing;
    invariant(writing !== undefined, 'what is committed was read before');
    const { to } = this.#place;
    const { consistency, skewMs } = judgeConsistency(context.evidence);
    const losses = new Losses();
    const proved = await phase('verify', () => this.#finish(writing, context, losses, signal));
    const removed = await phase('commit', async () => {
      const record = { ...pointDraft(context, consistency, skewMs), entries: writing.lines.count };
      await this.#store('json', [Buffer.from(`${JSON.stringify(record)}\n`)], signal);
      signal.throwIfAborted();
      return await this.#publish(Date.parse(context.instant.time));
    });
    return {
      ...{ kind: 'export', to, path: this.#path, consistency, skewMs },
      ...exportFigures(context),
      ...{ bytesStored: proved.bytes, proved, notKept: losses.all, removed },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _ = this.#opened;
    await this.#resources.disposeAsync();
    if (this.#state !== 'filling') return;
    await this.#place.host.run(dropWork(this.#place.folder), cleanupSignal(CLEAN_UP_MS));
    this.#tell('dropped');
  }

  async #finish(
    writing: Writing,
    context: CommitContext,
    losses: Losses,
    signal: AbortSignal,
  ): Promise<ExportReport['proved']> {
    const { host, folder, traits, fit } = this.#place;
    const tree = new BuiltTree(writing.folders, context.read.tree);
    await writing.entries.finish(tree, tellSocket(context.read.omissions), signal);
    await writing.filling.out.write(TAR_END);
    await writing.filling.end();
    if (writing.entries.mayHaveFallen) await this.#keepWhatStands(writing, tree, signal);
    const fitting = (node: Node, path: Buffer): Node | undefined => {
      for (const loss of fitNode(node, traits).losses) losses.add(loss, path);
      return fit(node);
    };
    const entries = writing.lines.count - (writing.entries.hasTop ? 1 : 0);
    const expected = { tree, entries, traits, fit: fitting };
    const difference = await differenceOf(host, listMirror(folder, undefined), expected, signal);
    if (difference !== undefined) throw unlike(placeOf(this.#place.to), difference);
    for (const path of writing.entries.obstructed) {
      losses.add('entry (it is a device, which only root can make)', Buffer.from(path, 'latin1'));
    }
    let files = 0;
    const onFile = (bytesDone: number): void => {
      files += 1;
      if (files % 1000 !== 0) return;
      const progress = { filesDone: files, filesTotal: undefined, bytesDone, bytesTotal: undefined };
      this.#ports.emit({ type: 'progress', phase: 'verify', ...progress });
    };
    const { different, ...proved } = await readBack(host, sumFiles(folder), written(writing.lines), onFile, signal);
    if (different !== undefined) throw unlike(placeOf(this.#place.to), `"${different}" has another content`);
    await this.#store('folders', createReadStream(join(this.#ports.workFolder, 'folders')), signal);
    await this.#store('manifest.jsonl', textOf(writing.lines), signal);
    return proved;
  }

  /** What came and does not stand goes; where an entry came again, tar has replaced the one before. */
  async #keepWhatStands(writing: Writing, tree: BuiltTree, signal: AbortSignal): Promise<void> {
    const { host, folder } = this.#place;
    const lines = this.#spool('lines-again');
    let dropped: Buffer[] = [];
    const drop = async (): Promise<void> => {
      if (dropped.length > 0) await host.run(dropEntries(folder, dropped), signal);
      dropped = [];
    };
    for await (const line of writing.lines.read()) {
      const fate = await writing.entries.stands(line, tree, signal);
      if (fate === 'stands') lines.add(line);
      else if (fate === 'dropped') dropped.push(pathOfLine(parseLine(line).text));
      if (dropped.length >= 1000) await drop();
    }
    await drop();
    writing.lines = lines;
  }

  async #store(
    name: string,
    input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const { host, folder } = this.#place;
    const chunks = (async function* () {
      yield* input;
    })();
    await using stream = await host.stream(storeBeside(folder, name), chunks, signal);
    stream.output.resume();
    if ((await stream.finished).exitCode === EXCHANGED) throw targetExchanged(folder.target);
  }

  /** What was removed because of `keep`. Two runs within one second get names of one second after the other. */
  async #publish(timeMs: number): Promise<readonly string[]> {
    const { to, host, folder } = this.#place;
    const top = placeOf(to).replace(/\/+$/, '');
    for (let later = 0; later < NAMES_TRIED; later += 1) {
      const name = stateName(timeMs + later * 1000);
      this.#path = `${top}/${name}`;
      this.#tell('moving');
      // A cancel comes before this or too late.
      const { state, removed } = await host.run(publishState(folder, name, to.keep), never);
      if (state === 'published') {
        this.#tell('filled');
        return removed;
      }
      this.#tell('filling');
      if (state === 'locked') throw notGiven(to, 'another run is writing there');
    }
    throw notGiven(to, `it has states of this second, and of all of the ${NAMES_TRIED} after it`);
  }

  #spool(name: string): LineSpool {
    return this.#resources.use(new LineSpool(join(this.#ports.workFolder, name)));
  }

  #tell(state: TargetState): void {
    this.#state = state;
    const work = workPath(this.#place.folder);
    this.#ports.emit({ type: 'target-changed', path: this.#path, work, state });
  }
}

const NAMES_TRIED = 60;

function notGiven(to: MirrorTarget, why: string): StillpointError {
  return mirrorError(`"${placeOf(to)}" could not be given the new state: ${why}.`, 'Export again.');
}

/** "2026-01-31T08-15-00Z": without the colons, which some file systems do not take. */
function stateName(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
}

/** The files whose content came in this run; those that the state before has are not read. */
async function* written(lines: LineSpool): AsyncGenerator<SummedFile> {
  for await (const line of lines.read()) {
    const { isShared, text } = parseLine(line);
    const { sha256, size } = JSON.parse(text) as { readonly sha256?: string; readonly size?: number };
    if (!isShared && sha256 !== undefined) yield { name: pathOfLine(text), sha256, size: size ?? 0 };
  }
}

async function* textOf(lines: LineSpool): AsyncGenerator<Uint8Array> {
  for await (const line of lines.read()) yield Buffer.from(`${parseLine(line).text}\n`);
}

function unlike(place: string, difference: string): StillpointError {
  return new StillpointError('export.unproved', `What was written to "${place}" is not what was read: ${difference}.`, {
    advice: 'It does not count. See whether others write there and whether the disk is sound, and export again.',
    cause: undefined,
  });
}
