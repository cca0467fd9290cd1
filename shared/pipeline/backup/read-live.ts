/**
 * One tree that is read where it lies. Each pass reads files that were looked at before; another look afterwards tells
 * which of them may have changed meanwhile, and those are read again, up to three times. What then still changes is torn: it is
 * saved, and named.
 *
 * Invariant: a file that is not named was read while its stat(2) stayed the same, ctime above all, which no user can
 * set. A program that writes through a mapping of the file escapes that; see `unsafe-live.ts` for those that do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { Node } from '../../repository/node.ts';
import { type Change, changedFiles } from './changed-files.ts';
import type { Complaint } from './complaints.ts';
import type { LiveLook } from './live-look.ts';
import type { Omissions } from './omissions.ts';
import { ParentView } from './parent-view.ts';
import { baseOf, type PassResult, readPass } from './read-pass.ts';
import { joined } from './select.ts';
import type { LivePass } from './take-answer.ts';
import type { TreePorts, TreeToRead } from './tree-to-read.ts';
import type { Pass } from './walk.ts';

export interface LiveTree extends Omit<TreeToRead, 'entries'> {
  /** Taken before anything was read. */
  readonly first: LiveLook;
  look(signal: AbortSignal): Promise<LiveLook>;
}

export interface ReadLive {
  readonly node: Node;
  /** How many files changed each time that they were read. */
  readonly tornCount: number;
  /** Uptime of the host in seconds before the first look and before the last. */
  readonly fromUptime: number;
  readonly untilUptime: number;
}

const READ_AGAIN = 3;
/** Passes beyond those only leave out what cannot be read. */
const MOST_PASSES = 8;
/** What was changed just before a look is settled when the next one is as much later. */
const SETTLING_MS = 2_200;
/** Asking again costs a disk that is dying many seconds for each bad sector. */
const MOST_TRIED_AGAIN = 100;

export async function readLiveTree(tree: LiveTree, ports: TreePorts, signal: AbortSignal): Promise<ReadLive> {
  const walked = ports.counts.walked();
  await using looks = new AsyncDisposableStack();
  let at = tree.first;
  let pass = passOf(tree, ports, undefined, { doubtful: new Map(), unreadable: new Map() });
  for (let count = 1; ; count += 1) {
    const result = await readPass({ ...tree, entries: (reading) => at.listing.read(reading) }, pass, ports, signal);
    // Trees of this pass are read by the next one.
    await ports.sink.flush(signal);
    if (at.hasFresh) await sleep(SETTLING_MS, undefined, { signal });
    const next = looks.use(await tree.look(signal));
    const doubts = await doubtsOf(tree, { at, next, pass, result }, signal);
    const isOver = doubts.changed.size + doubts.refused.size === 0;
    const isEnough = count > READ_AGAIN && doubts.refused.size === 0;
    if (isOver || isEnough) {
      if (result.node === undefined) throw nothingReadable(tree, [...doubts.changed, ...pass.unreadable]);
      tellLacks(tree, { at, pass, result, changed: doubts.changed }, ports.omissions);
      return {
        node: result.node,
        tornCount: [...doubts.changed.values()].filter((change) => change !== 'gone').length,
        fromUptime: tree.first.beforeUptime,
        untilUptime: next.beforeUptime,
      };
    }
    if (count === MOST_PASSES) throw nothingReadable(tree, [...doubts.refused]);
    ports.counts.resetWalked(walked);
    pass = passOf(tree, ports, result.node, nextSteps(pass, doubts, count));
    at = next;
  }
}

type Names = ReadonlyMap<string, string>;

function passOf(
  tree: LiveTree,
  { sink }: TreePorts,
  earlier: Node | undefined,
  steps: Pick<Pass, 'doubtful' | 'unreadable'>,
): Pass & { readonly live: LivePass } {
  const isFirst = earlier === undefined;
  return {
    parent: new ParentView(sink, tree.parentRoot),
    earlier: isFirst ? undefined : new ParentView(sink, earlier),
    ...steps,
    live: { ...(isFirst ? {} : { asked: new Set() }), exchanged: new Set(), lacks: [] },
  };
}

interface Doubts {
  /** By the name that tar was given, of those that were read in this pass. */
  readonly changed: ReadonlyMap<string, Change | 'exchanged'>;
  /** What the host refused, with its reason. */
  readonly refused: Names;
}

interface Stand {
  readonly at: LiveLook;
  readonly next: LiveLook;
  readonly pass: Pass & { readonly live: LivePass };
  readonly result: PassResult;
}

async function doubtsOf(tree: LiveTree, { at, next, pass, result }: Stand, signal: AbortSignal): Promise<Doubts> {
  const { asked, exchanged } = pass.live;
  const changes = await changedFiles(at.listing.read(signal), next.listing.read(signal), at.wallClockNs);
  const changed = new Map<string, Change | 'exchanged'>();
  for (const [path, change] of changes) {
    const name = nameOf(tree, path);
    if (asked === undefined || asked.has(name)) changed.set(name, change);
  }
  const refused = new Map<string, string>();
  for (const failure of result.failures) {
    const name = failure.name.toString('latin1');
    if (!isOfChange(failure)) refused.set(name, failure.reason);
    else if (!changed.has(name)) changed.set(name, 'changed');
  }
  for (const name of exchanged) changed.set(name, 'exchanged');
  return { changed, refused };
}

const nameOf = ({ rootName }: LiveTree, path: string): string =>
  path === '' ? rootName.toString('latin1') : `${rootName.toString('latin1')}/${path}`;

/** What tar says of a file that was written, cut or removed while it read it. */
function isOfChange({ reason, missingBytes }: Complaint): boolean {
  return (
    missingBytes !== undefined ||
    /^(file changed as we read it|File removed before we read it|No such file or directory|Stale file handle)$/.test(
      reason,
    )
  );
}

/** A refusal is asked again once, where they are few; what changed is read again. */
function nextSteps(pass: Pass, { changed, refused }: Doubts, count: number): Pick<Pass, 'doubtful' | 'unreadable'> {
  const mayTry = refused.size <= MOST_TRIED_AGAIN && count <= READ_AGAIN;
  const again = [...refused].filter(([name]) => mayTry && !pass.doubtful.has(name));
  const doubtful = new Map([...[...changed.keys()].map((name) => [name, ''] as const), ...again]);
  const left = [...refused].filter(([name]) => !doubtful.has(name));
  return { doubtful, unreadable: new Map([...pass.unreadable, ...left]) };
}

const WORDS: Readonly<Record<Change | 'exchanged', string>> = {
  changed: 'it changed each time that it was read',
  moved: 'it got another name while it was being read',
  gone: 'it vanished while it was being read',
  exchanged: 'another file was in its place each time that it was read',
};

function tellLacks(
  tree: LiveTree,
  { at, pass, result, changed }: Pick<Stand, 'at' | 'pass' | 'result'> & Pick<Doubts, 'changed'>,
  omissions: Omissions,
): void {
  const base = baseOf(tree);
  // What was not listed first: that its attributes are missing as well is the smaller part of it.
  for (const { path, reason } of at.listing.unlisted) {
    if (!isOfAbsence(reason)) omissions.cannotList(joined(tree.path, path), reason);
  }
  omissions.lackAttributes(base, result.remarks, result.others);
  for (const lack of pass.live.lacks) lack(omissions);
  for (const [name, change] of changed) {
    const below = Buffer.from(name, 'latin1').subarray(1);
    const path = base.length === 1 && below.length > 0 ? below : Buffer.concat([base, below]);
    if (change === 'exchanged') omissions.cannotRead(path, WORDS.exchanged);
    else if (change === 'gone') omissions.mayBeTorn(path, WORDS.gone);
    else omissions.torn(path, WORDS[change]);
  }
}

/** Of find: it was removed between seeing its name and looking at it. */
const isOfAbsence = (reason: string): boolean => /^No such file or directory$/.test(reason);

function nothingReadable(tree: LiveTree, reasons: Iterable<readonly [string, string]>): StillpointError {
  const [[, reason] = ['', '']] = reasons;
  const why = reason in WORDS ? WORDS[reason as Change] : reason === '' ? 'its content did not come' : reason;
  return new StillpointError('read.unreadable', `"${displayName(tree.path)}" cannot be read: ${why}.`, {
    advice: 'See whether it is still there and whether the account on the host may read it.',
    details: { path: displayName(tree.path) },
    cause: undefined,
  });
}
