/**
 * What the files of a job hold. Readers are tolerant: a later version may add fields, and a job that this version does
 * not know is left out rather than being in the way.
 */
import { z } from 'zod';
import type { RunEvent } from '../domain/events.ts';
import type { ForgetSelection } from '../domain/forget-plan.ts';
import type { JobRequest } from '../domain/job.ts';
import type { KeepRules } from '../domain/keep-rules.ts';
import { hostName, jobId, repositoryName, runId, sourceName } from '../domain/names.ts';
import { parsePlanId } from '../domain/plan-id.ts';
import type { PruneOptions } from '../domain/prune-plan.ts';
import type { RepairScope } from '../domain/repair-plan.ts';
import { GROUP_KEYS } from '../domain/retention.ts';
import { processIdentitySchema } from './process-identity-schema.ts';

const host = z.string().transform(hostName);
const source = z.string().transform(sourceName);
const repository = z.string().transform(repositoryName);

const subset = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('percent'), percent: z.number() }),
  z.object({ kind: z.literal('share'), share: z.int(), of: z.int() }),
  z.object({ kind: z.literal('daily'), days: z.int() }),
]);
const plan = z.string().transform(parsePlanId);
const texts = z.array(z.string());
const filter = z.object({ sources: texts, hostnames: texts, tags: z.array(texts), paths: texts });
const count = z.union([z.int().nonnegative(), z.literal('unlimited')]).optional();
const span = z.string().optional();
const rules: z.ZodType<KeepRules> = z.object({
  ...{ last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count },
  ...{ within: span, withinHourly: span, withinDaily: span, withinWeekly: span, withinMonthly: span },
  withinYearly: span,
  tags: z.array(texts).optional(),
});
const selection: z.ZodType<ForgetSelection> = z.discriminatedUnion('by', [
  z.object({
    by: z.literal('rules'),
    rules,
    groupBy: z.array(z.enum(GROUP_KEYS)),
    filter,
  }),
  z.object({ by: z.literal('sources'), sources: z.array(z.object({ source, rules })) }),
  z.object({ by: z.literal('points'), points: texts }),
]);
const pruneOptions: z.ZodType<PruneOptions> = z.object({
  maxUnused: z.string(),
  maxRepackBytes: z.int().nonnegative().optional(),
  repackUncompressed: z.boolean().optional(),
});

const scope: z.ZodType<RepairScope> = z.object({
  part: z.enum(['index', 'packs', 'points']),
  packs: z.array(z.string()).exactOptional(),
  readAll: z.boolean().exactOptional(),
  giveUpFolders: z.boolean().exactOptional(),
  forget: z.boolean().exactOptional(),
});

const noLock = z.boolean().exactOptional();

const requestSchema: z.ZodType<JobRequest> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('backup'),
    source,
    plan: plan.exactOptional(),
    acceptClockSkew: z.boolean().exactOptional(),
  }),
  z.object({
    kind: z.literal('restore'),
    repository,
    restorePoint: z.string(),
    paths: z.array(z.string()),
    target: z.string(),
    rename: z.boolean().exactOptional(),
    noLock,
  }),
  z.object({ kind: z.literal('check'), repository, headers: z.boolean().exactOptional(), noLock }),
  z.object({ kind: z.literal('verify'), repository, subset: subset.exactOptional(), noLock }),
  z.object({
    kind: z.literal('copy'),
    from: repository,
    to: repository,
    restorePoints: z.array(z.string()),
    filter,
    noLock,
  }),
  z.object({ kind: z.literal('sweep'), host, plan: plan.exactOptional() }),
  z.object({ kind: z.literal('forget'), repository, selection, prune: pruneOptions.optional(), plan: plan.optional() }),
  z.object({ kind: z.literal('prune'), repository, options: pruneOptions, plan: plan.optional() }),
  z.object({ kind: z.literal('repair'), repository, scope, apply: z.boolean(), plan: plan.optional() }),
]);

/** `record.json`: written by the starter, then by the runner alone. */
const recordSchema = z.object({
  version: z.literal(2),
  id: z.string().transform(jobId),
  request: requestSchema,
  /** As the starter was given it: relative locations are resolved against its folder. */
  configFile: z.string(),
  /** See `JobIdentity`. */
  identity: plan,
  createdAt: z.iso.datetime(),
  /** Answers for the job until the runner has claimed it. */
  starter: processIdentitySchema,
  startedAt: z.iso.datetime().optional(),
  /** On a host; written before anything of it is there. */
  run: z.object({ id: z.string().transform(runId), machine: plan.optional() }).optional(),
  phase: z.string().optional(),
});
export type JobRecord = z.infer<typeof recordSchema>;

/** `heartbeat`: created once, by the process that is responsible for the job from then on. */
export const heartbeatSchema = processIdentitySchema;

const eventSchema = z.looseObject({ seq: z.int().positive(), at: z.iso.datetime(), type: z.string() });

const finishedSchema = eventSchema.extend({
  type: z.literal('job-finished'),
  outcome: z.enum(['succeeded', 'failed', 'cancelled', 'interrupted']),
});
export type FinishedEvent = Extract<RunEvent, { type: 'job-finished' }>;

export const parseRecord = (text: string): JobRecord | undefined => parse(recordSchema, text);
export const parseHeartbeat = (text: string): z.infer<typeof heartbeatSchema> | undefined =>
  parse(heartbeatSchema, text);
export const parseEvent = (line: string): RunEvent | undefined => parse(eventSchema, line) as RunEvent | undefined;
export const parseFinished = (text: string): FinishedEvent | undefined =>
  parse(finishedSchema, text) as FinishedEvent | undefined;

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
