/**
 * What a tool does to the world, for clients that ask a person before some of them. Tests pin these: a tool that is
 * called read-only and is not would be started without anybody looking.
 */
import type { Tool } from './tool.ts';

/** Reads this machine only. */
export const READ_LOCAL: Tool['annotations'] = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/** Reads a host or a repository, which may be elsewhere. */
export const READ_REMOTE: Tool['annotations'] = { ...READ_LOCAL, openWorldHint: true };

/** Starts work that adds something and takes nothing away; repeating it while it runs changes nothing. */
export const START: Tool['annotations'] = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: false,
  openWorldHint: true,
};
