/** A backup's plan as an answer. */
import { z } from 'zod';
import type { BackupPlan } from '../../shared/domain/backup-plan.ts';
import { CONSISTENCY_LEVELS } from '../../shared/domain/consistency.ts';
import { CutLists, omittedShape } from '../cut-lists.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { ANSWER_BYTES } from '../limits.ts';
import { dumpLine, dumpsShape } from './dump.ts';

export const consistencyShape = z
  .enum(CONSISTENCY_LEVELS)
  .describe(
    'application: the application was held still; cold: services were stopped; crash: one instant, like a power cut; crash-skewed: several instants; fuzzy: live files.',
  );

const snapshotShape = z.strictObject({
  volume: foreignText('The volume that would be snapshotted.'),
  snapshot: foreignText('Name that the snapshot would have.'),
  sizeBytes: z.int().describe('Room that it would claim, in bytes; 0 where it reserves none.'),
  freeBytesAfter: z.int().describe('What would be left where it takes its room, in bytes; 0 where it reserves none.'),
  mountpoint: foreignText('Where the volume is mounted.'),
});

export const planShape = z.strictObject({
  plan: z.string().describe('Id of the plan; start_backup with it does exactly this, or refuses.'),
  source: z.string().describe('The source that would be backed up.'),
  host: z.string().describe('Its host.'),
  repository: z.string().describe('Where the restore point would go.'),
  paths: z.array(foreignText('A path that would be backed up.')),
  consistency: consistencyShape,
  dumps: dumpsShape,
  snapshots: z.array(snapshotShape).describe('Snapshots that would exist for the length of the run.'),
  commands: z.array(
    foreignText(
      'A step on the host, in order; a program of the host as a person would type it. Reading live changes nothing.',
    ),
  ),
  bytesOnVolumes: z.int().nullable().describe('Used on the volumes, in bytes; null if unknown.'),
  risks: z.array(foreignText('What may go wrong.')),
  omitted: omittedShape,
});

const COMMANDS_MOST = 200;

export function planOf(plan: BackupPlan): z.input<typeof planShape> {
  const lists = new CutLists();
  return {
    plan: plan.id,
    source: plan.source,
    host: plan.host,
    repository: plan.repository,
    paths: lists.cut('paths', plan.paths).map(foreign),
    consistency: plan.consistency,
    dumps: lists.cut('dumps', plan.dumps ?? []).map(dumpLine),
    snapshots: lists.cut('snapshots', plan.snapshots).map((snapshot) => ({
      volume: foreign(snapshot.volume),
      snapshot: foreign(snapshot.snapshot),
      sizeBytes: snapshot.sizeBytes,
      freeBytesAfter: snapshot.freeBytesAfter,
      mountpoint: foreign(snapshot.mountpoint),
    })),
    commands: lists.cut('commands', plan.steps.flatMap(({ does }) => does).map(foreign), {
      most: COMMANDS_MOST,
      bytes: ANSWER_BYTES / 2,
    }),
    bytesOnVolumes: plan.estimate.bytesOnVolumes ?? null,
    risks: lists.cut('risks', plan.risks.map(foreign), { bytes: ANSWER_BYTES / 4 }),
    omitted: lists.omitted,
  };
}
