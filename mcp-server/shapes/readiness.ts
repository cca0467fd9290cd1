/** How ready a host is for a backup, as an answer. */
import { z } from 'zod';
import {
  type DataStore,
  FINDING_SEVERITIES,
  type HostFinding,
  type HostReadiness,
  type ProposedSource,
} from '../../shared/domain/readiness.ts';
import { CutLists, omittedShape } from '../cut-lists.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { ANSWER_BYTES } from '../limits.ts';

const findingShape = z.strictObject({
  kind: z.string().describe('Which kind of finding.'),
  severity: z.enum(FINDING_SEVERITIES).describe('How grave it is.'),
  object: foreignText('On what.'),
  message: foreignText('What is so.'),
  means: foreignText('What that means for a backup.'),
  mendedWhere: z
    .enum(['host', 'here', 'configuration', 'nowhere'])
    .describe(
      'Where the lines belong: a root shell of the host, the machine of Stillpoint, the configuration, or no line.',
    ),
  mendedBy: z.array(foreignText('A line for a person to look at and run; never run it yourself.')),
  note: foreignText('What to think of before, or why nothing has to be done.'),
});

const storeShape = z.strictObject({
  what: z.string().describe('Which database or program.'),
  path: foreignText('Where its files are.').nullable(),
  service: foreignText('The service that runs it.').nullable(),
  volume: foreignText('The volume that holds them.').nullable(),
});

const roomShape = z.strictObject({
  volume: foreignText('Name of the volume.'),
  writtenPerSecond: z.int().describe('Bytes written in a second, measured now.'),
  readingSeconds: z.int().describe('How long reading it takes.'),
  neededBytes: z.int().describe('What a snapshot needs meanwhile.'),
  roomBytes: z.int().describe('What it can have.'),
});

const proposedShape = z.strictObject({
  name: z.string().describe('Name of the source.'),
  paths: z.array(foreignText('A path that would be backed up.')),
  exclude: z.array(foreignText('A pattern that would be left out.')),
  stop: z.array(foreignText('A service that would be stopped for the moment of the snapshots.')),
  readsLive: z.boolean().describe('Whether it would be read while it may be changing, without a snapshot.'),
  omitted: omittedShape,
  why: z.array(foreignText('Why it is as it is.')),
});

export const readinessShape = z.strictObject({
  host: z.string().describe('Name of the host.'),
  findings: z.array(findingShape).describe('Grave ones first.'),
  stores: z.array(storeShape).describe('Where programs keep data.'),
  room: z.array(roomShape).describe('Room for snapshots against what is written.'),
  unseen: z.array(foreignText('What could not be seen.')),
  proposals: z.array(proposedShape).describe('Sources that would fit the host.'),
  omitted: omittedShape,
});

export function readinessOf(readiness: HostReadiness): z.input<typeof readinessShape> {
  const lists = new CutLists();
  const most = Number.POSITIVE_INFINITY;
  return {
    host: readiness.host,
    findings: lists.cut('findings', readiness.findings.map(findingOf), { most, bytes: ANSWER_BYTES / 2 }),
    stores: lists.cut('stores', readiness.stores.map(storeOf), { bytes: ANSWER_BYTES / 8 }),
    room: lists
      .cut('room', readiness.room, { bytes: ANSWER_BYTES / 8 })
      .map((room) => ({ ...room, volume: foreign(room.volume) })),
    unseen: lists.cut('unseen', readiness.unseen.map(foreign)),
    proposals: lists.cut('proposals', readiness.proposedSources.map(proposedOf), {
      bytes: ANSWER_BYTES / 4,
    }),
    omitted: lists.omitted,
  };
}

function findingOf({ kind, severity, object, message, means, remedy }: HostFinding): z.input<typeof findingShape> {
  // A line that was cut is another line.
  const isWhole = remedy.lines.every((line) => foreign(line) === line);
  return {
    ...{ kind, severity, mendedWhere: isWhole ? remedy.where : 'nowhere' },
    object: foreign(object),
    message: foreign(message),
    means: foreign(means),
    mendedBy: isWhole ? remedy.lines.map(foreign) : [],
    note: foreign(remedy.note),
  };
}

function storeOf({ what, path, service, volume }: DataStore): z.input<typeof storeShape> {
  const text = (given: string | undefined): string | null => (given === undefined ? null : foreign(given));
  return { what, path: text(path), service: text(service), volume: text(volume) };
}

function proposedOf({ name, entry, why }: ProposedSource): z.input<typeof proposedShape> {
  const { paths, exclude = [], stop = [], withoutSnapshot } = entry;
  const lists = new CutLists();
  return {
    name,
    paths: lists.cut('paths', paths).map(foreign),
    exclude: lists.cut('exclude', exclude).map(foreign),
    stop: lists.cut('stop', stop).map(foreign),
    readsLive: withoutSnapshot === 'read-live',
    why: lists.cut('why', why).map(foreign),
    omitted: lists.omitted,
  };
}
