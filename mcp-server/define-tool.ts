import type { z } from 'zod';
import type { Tool } from './tool.ts';

/** Gives a tool its types from its schemas. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  tool: Tool<Input, Output>,
): Tool<Input, Output> {
  return tool;
}
