/** A process's identity as the files of a job store hold it. */
import { z } from 'zod';
import type { ProcessIdentity } from '../base/process-identity.ts';

export const processIdentitySchema: z.ZodType<ProcessIdentity> = z.object({
  pid: z.int().positive(),
  start: z.string(),
  hostname: z.string(),
  machine: z.string(),
  boot: z.string(),
  namespace: z.string(),
});
