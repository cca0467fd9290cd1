/**
 * What a tool is, and the one wrapper around all of them. A call never throws: input is parsed by our own strict
 * schema, the answer passes its own schema before it leaves, secrets are taken out, and every failure becomes an error
 * answer with code, message and advice, without a stack.
 */
import type { CallToolResult, McpServer, ServerContext, ToolAnnotations } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { StillpointError, toStillpointError } from '../shared/base/errors.ts';
import { type Logger, redactValue } from '../shared/base/log.ts';
import type { Stillpoint } from '../shared/stillpoint.ts';
import type { CallGate } from './call-gate.ts';
import { errorAnswer } from './error-answer.ts';
import { NOTICE } from './foreign-text.ts';
import { inputMistakes } from './input-mistakes.ts';
import { outlineOf } from './outline.ts';
import { progressReporter, type ReportProgress } from './progress.ts';

/** What is in every answer, for clients that hand nothing but the structured part to their model. */
const envelopeShape = {
  summary: z.string().describe('The answer in one sentence.'),
  nextStep: z.string().nullable().describe('What to do next, if anything.'),
  notice: z.string().describe('How to take what follows.'),
};

export interface ServerDeps {
  /** Opens the façade, or gives the one that is open; tried again after a failure, so a mended configuration works. */
  readonly stillpoint: () => Promise<Stillpoint>;
  /** The configuration file that the server was started with, for the commands that it names to people. */
  readonly configFile: string | undefined;
  readonly logger: Logger;
  readonly calls: CallGate;
}

interface ToolCall {
  readonly stillpoint: Stillpoint;
  /** Fires when the client gives up; it never stops a job. */
  readonly signal: AbortSignal;
  readonly reportProgress: ReportProgress;
}

interface ToolAnswer<Structured> {
  /** A short sentence of ids, counts and our own words; never foreign text. */
  readonly summary: string;
  /** The same for what to do next. */
  readonly nextStep?: string;
  readonly structured: Structured;
}

export interface Tool<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: Required<Omit<ToolAnnotations, 'title'>>;
  readonly input: Input;
  readonly output: Output;
  /** The command that a person would type instead; the words after `stillpoint`. */
  personWords?(args: z.output<Input>): readonly string[];
  run(args: z.output<Input>, call: ToolCall): Promise<ToolAnswer<z.input<Output>>>;
}

export function registerTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  server: McpServer,
  tool: Tool<Input, Output>,
  deps: ServerDeps,
): void {
  const { name, title, description, annotations } = tool;
  server.registerTool(
    name,
    {
      title,
      description,
      annotations,
      inputSchema: describedOnly(tool.input),
      outputSchema: outlineOf(tool.output.extend(envelopeShape)),
    },
    (args: unknown, ctx: ServerContext) => callTool(tool, args, ctx, deps),
  );
}

async function callTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  tool: Tool<Input, Output>,
  given: unknown,
  ctx: ServerContext,
  deps: ServerDeps,
): Promise<CallToolResult> {
  // A person's terminal may have another configuration as its default, so the one in use is always named.
  let { configFile } = deps;
  let personWords: readonly string[] | undefined;
  try {
    const args = parseInput(tool, given);
    personWords = tool.personWords?.(args);
    // Waiting for a job costs nothing; what goes out to hosts and stores does.
    using _place = tool.annotations.openWorldHint ? await deps.calls.enter(ctx.mcpReq.signal) : undefined;
    const stillpoint = await deps.stillpoint();
    configFile = stillpoint.configFile;
    const answer = await tool.run(args, {
      stillpoint,
      signal: ctx.mcpReq.signal,
      reportProgress: progressReporter(ctx),
    });
    const structured = {
      summary: answer.summary,
      nextStep: answer.nextStep ?? null,
      notice: NOTICE,
      ...(redactValue(tool.output.parse(answer.structured)) as Record<string, unknown>),
    };
    return {
      content: [
        { type: 'text', text: [answer.summary, answer.nextStep ?? ''].join(' ').trim() },
        // For clients that do not read structuredContent
        { type: 'text', text: JSON.stringify(structured) },
      ],
      structuredContent: structured,
    };
  } catch (error) {
    logFailure(deps.logger, tool.name, error);
    return errorAnswer(error, { personWords, configFile });
  }
}

/** The stack of an internal error is for its developers: it goes to the log and nowhere else. */
function logFailure(logger: Logger, tool: string, thrown: unknown): void {
  const error = toStillpointError(thrown);
  const isFault = error.code.startsWith('internal.');
  const origin = error.cause instanceof Error ? error.cause : error;
  logger.log(isFault ? 'error' : 'warn', 'A tool call failed', {
    tool,
    code: error.code,
    error,
    ...(isFault ? { stack: origin.stack } : {}),
  });
}

function parseInput<Input extends z.ZodObject>(tool: Tool<Input>, given: unknown): z.output<Input> {
  const parsed = tool.input.safeParse(given ?? {});
  if (parsed.success) return parsed.data;
  const mistakes = inputMistakes(tool.input, given, parsed.error);
  throw new StillpointError('usage.invalid', `${tool.name} was called with wrong arguments. ${mistakes}`, {
    advice: 'Nothing was done. Correct the arguments, then call again.',
    cause: parsed.error,
  });
}

/**
 * The SDK lists this schema but leaves the checking to us: its own refusal would carry neither code nor advice. The dialect
 * is not named, because it is the one that the protocol takes for granted, and it would be named for each tool.
 */
function describedOnly(schema: z.ZodObject) {
  const { version, vendor, jsonSchema } = schema['~standard'];
  const input: typeof jsonSchema.input = (options) => {
    const { $schema: _, ...described } = jsonSchema.input(options);
    return described;
  };
  const validate = (value: unknown) => ({ value });
  return { '~standard': { version, vendor, jsonSchema: { ...jsonSchema, input }, validate } } as const;
}
