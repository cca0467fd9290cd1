/**
 * What the files of a job hold. Readers are tolerant: a later version may add fields, and a job that this version does
 * not know is left out rather than being in the way.
 */
import { z } from 'zod';
import type { RunEvent } from '../domain/events.ts';
import { jobId, runId } from '../domain/names.ts';
import { processIdentitySchema } from './process-identity-schema.ts';
import { planSchema, requestSchema } from './requests.ts';

/** `record.json`: written by the starter, then by the runner alone. */
const recordSchema = z.object({
  version: z.literal(2),
  id: z.string().transform(jobId),
  request: requestSchema,
  /** As the starter was given it: relative locations are resolved against its folder. */
  configFile: z.string(),
  /** See `JobIdentity`. */
  identity: planSchema,
  createdAt: z.iso.datetime(),
  /** Answers for the job until the runner has claimed it. */
  starter: processIdentitySchema,
  startedAt: z.iso.datetime().optional(),
  /** On a host; written before anything of it is there. */
  run: z
    .object({
      id: z.string().transform(runId),
      machine: planSchema.optional(),
      places: planSchema.optional(),
      leaseSeconds: z.number().positive().optional(),
    })
    .optional(),
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
