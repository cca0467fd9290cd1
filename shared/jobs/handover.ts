/** What the starter of a job hands to its runner: one line of JSON on the runner's standard input, kept in memory only. */
import { z } from 'zod';

export const handoverSchema = z.object({
  answers: z.array(z.object({ kind: z.string(), subject: z.string(), key: z.string(), value: z.string() })),
  /** By the name of the repository. */
  repositorySecrets: z.record(
    z.string(),
    z.object({
      password: z.string(),
      /** What the store of the repository asks for. */
      store: z.string().optional(),
    }),
  ),
  /** What the starter noticed on the way; the runner puts it into the job's log. */
  warnings: z.array(z.object({ code: z.string(), message: z.string(), advice: z.string() })),
});
export type Handover = z.infer<typeof handoverSchema>;
