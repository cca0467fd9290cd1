/** What tests need and a machine may not have. A test that is skipped has to say why; the end of a run prints it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestOptions, TestRunner } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Why this test, or all of this suite, is not run here. */
    skipReason?: string;
  }
}

/** Options of a suite or test: where one of `reasons` says why it cannot be run here, it is skipped for that. */
export function needing(...reasons: readonly (string | undefined)[]): TestOptions {
  const reason = reasons.find((one) => one !== undefined);
  return reason === undefined ? {} : { skip: true, meta: { skipReason: reason } };
}

/** Why what only root may do (`what`, as in "mounts") cannot be tested here, or undefined. */
export function whyNotRoot(what: string): string | undefined {
  return process.getuid?.() === 0 ? undefined : `needs root: ${what}`;
}

/** Skips the test that is under way, where `reason` says why it cannot go on. Not for hooks, which no test is in. */
export function goOnWith(reason: string | undefined): void {
  if (reason !== undefined) TestRunner.getCurrentTest()?.context.skip(reason);
}

/** Why `program` cannot be used here, or undefined. */
export function whyNoProgram(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.some((folder) => existsSync(join(folder, program))) ? undefined : `needs the program ${program}`;
}
