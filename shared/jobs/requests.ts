/**
 * What each kind of job is asked, as it is read from its record. As tolerant as `records.ts`: a kind that this version does
 * not know is no request.
 */
import { z } from 'zod';
import type { ForgetSelection } from '../domain/forget-plan.ts';
import type { KeepRules } from '../domain/keep-rules.ts';
import { keptId } from '../domain/kept-name.ts';
import { hostName, jobId, repositoryName, sourceName } from '../domain/names.ts';
import { parsePlanId } from '../domain/plan-id.ts';
import type { PruneOptions } from '../domain/prune-plan.ts';
import type { RepairScope } from '../domain/repair-plan.ts';
import { OVERWRITE } from '../domain/restore-plan.ts';
import { GROUP_KEYS } from '../domain/retention.ts';
import type { DropChoice } from '../domain/verbs/drop.ts';
import type { ExportTarget } from '../domain/verbs/export.ts';
import type { JobKind, RequestOf } from '../domain/verbs/verbs.ts';

const job = z.string().transform(jobId).exactOptional();
const host = z.string().transform(hostName);
const source = z.string().transform(sourceName);
const repository = z.string().transform(repositoryName);

const subset = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('percent'), percent: z.number() }),
  z.object({ kind: z.literal('share'), share: z.int(), of: z.int() }),
  z.object({ kind: z.literal('daily'), days: z.int() }),
]);
export const planSchema = z.string().transform((text) => parsePlanId(text));
const texts = z.array(z.string());
const flag = z.boolean().exactOptional();
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
  packs: texts.exactOptional(),
  ...{ readAll: flag, giveUpFolders: flag, forget: flag },
});

const exportTarget: z.ZodType<ExportTarget> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('archive'), file: z.string(), overwrite: flag }),
  z.object({
    kind: z.literal('mirror'),
    ...{ folder: z.string(), host: host.exactOptional(), keep: z.int().min(1).exactOptional() },
  }),
]);

const pair = z.object({ id: z.string().transform(keptId), side: z.enum(['before', 'after']) });
const dropChoice: z.ZodType<DropChoice> = z.discriminatedUnion('by', [
  z.object({ by: z.literal('ids'), ids: texts }),
  z.object({ by: z.literal('expiry') }),
]);

const planned = planSchema.optional();
const REQUESTS: { readonly [K in JobKind]: z.ZodType<RequestOf<K>> } = {
  backup: z.object({
    kind: z.literal('backup'),
    source,
    plan: planSchema.exactOptional(),
    acceptClockSkew: flag,
    resume: job,
  }),
  export: z.object({
    kind: z.literal('export'),
    ...{ source, to: exportTarget, plan: planSchema.exactOptional(), acceptClockSkew: flag },
  }),
  restore: z.object({
    kind: z.literal('restore'),
    ...{ repository, restorePoint: z.string(), paths: texts, target: z.string(), rename: flag, noLock: flag },
    ...{ overwrite: z.enum(OVERWRITE).exactOptional(), dryRun: flag },
    ...{ include: texts.exactOptional(), exclude: texts.exactOptional(), strip: z.int().min(1).exactOptional() },
  }),
  check: z.object({ kind: z.literal('check'), repository, headers: flag, noLock: flag }),
  verify: z.object({ kind: z.literal('verify'), repository, subset: subset.exactOptional(), noLock: flag }),
  copy: z.object({
    kind: z.literal('copy'),
    ...{ from: repository, to: repository, restorePoints: texts, filter, noLock: flag },
  }),
  sweep: z.object({ kind: z.literal('sweep'), host, plan: planSchema.exactOptional() }),
  'keep-snapshots': z.object({
    ...{ kind: z.literal('keep-snapshots'), host, source: source.exactOptional(), paths: texts, reason: z.string() },
    lifetimeSeconds: z.int().positive().exactOptional(),
    ...{ pair: pair.exactOptional(), plan: planSchema.exactOptional() },
  }),
  'drop-snapshots': z.object({ kind: z.literal('drop-snapshots'), host, choice: dropChoice, plan: planSchema }),
  forget: z.object({ kind: z.literal('forget'), repository, selection, prune: pruneOptions.optional(), plan: planned }),
  prune: z.object({ kind: z.literal('prune'), repository, options: pruneOptions, plan: planned }),
  repair: z.object({ kind: z.literal('repair'), repository, scope, apply: z.boolean(), plan: planned }),
};

export const requestSchema = z.union(Object.values(REQUESTS));
