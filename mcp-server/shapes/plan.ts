/** A backup's plan as an answer. */
import { z } from 'zod';
import type { BackupPlan } from '../../shared/domain/backup-plan.ts';
import { CONSISTENCY_LEVELS } from '../../shared/domain/consistency.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { ANSWER_BYTES, INNER_LIST } from '../limits.ts';
import { fitting } from '../paging.ts';

export const consistencyShape = z
  .enum(CONSISTENCY_LEVELS)
  .describe(
    'application: the application was held still; cold: it was stopped; crash: one instant, like a power cut; crash-skewed: several instants; fuzzy: live files.',
  );

const snapshotShape = z.strictObject({
  volume: foreignText('The volume that would be snapshotted.'),
  snapshot: foreignText('Name that the snapshot would have.'),
  sizeBytes: z.int().describe('Room that it would claim, in bytes.'),
  freeBytesAfter: z.int().describe('What the volume group would have left, in bytes.'),
  mountpoint: foreignText('Where the volume is mounted.'),
});

export const planShape = z.strictObject({
  source: z.string().describe('The source that would be backed up.'),
  host: z.string().describe('Its host.'),
  repository: z.string().describe('Where the restore point would go.'),
  paths: z.array(foreignText('A path that would be backed up.')),
  consistency: consistencyShape,
  snapshots: z.array(snapshotShape).describe('Snapshots that would exist for the length of the run.'),
  commands: z.array(foreignText('A command that would change the host, as a person would type it, in order.')),
  commandsOmitted: z.int().describe('Commands that did not fit into this answer.'),
  bytesOnVolumes: z.int().nullable().describe('Used on the volumes, in bytes; null if unknown.'),
  risks: z.array(foreignText('What may go wrong.')),
});

export function planOf(plan: BackupPlan): z.input<typeof planShape> {
  const commands = fitting(plan.commands.map(foreign), ANSWER_BYTES / 2);
  return {
    source: plan.source,
    host: plan.host,
    repository: plan.repository,
    paths: plan.paths.slice(0, INNER_LIST).map(foreign),
    consistency: plan.consistency,
    snapshots: plan.snapshots.slice(0, INNER_LIST).map((snapshot) => ({
      volume: foreign(snapshot.volume),
      snapshot: foreign(snapshot.snapshot),
      sizeBytes: snapshot.sizeBytes,
      freeBytesAfter: snapshot.freeBytesAfter,
      mountpoint: foreign(snapshot.mountpoint),
    })),
    commands,
    commandsOmitted: plan.commands.length - commands.length,
    bytesOnVolumes: plan.estimate.bytesOnVolumes ?? null,
    risks: fitting(plan.risks.slice(0, INNER_LIST).map(foreign), ANSWER_BYTES / 4),
  };
}
