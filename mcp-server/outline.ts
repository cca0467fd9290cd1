/**
 * The schemas as `tools/list` shows them. Every client puts that list into every conversation, so it has to be small:
 * arguments keep their descriptions and limits, of an answer only the outer fields are named. What leaves the server is
 * checked against the whole schema all the same; see `tool.ts`.
 */
import { z } from 'zod';

interface JsonSchema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
}

/** A schema that the SDK lists. It checks nothing: the answer was checked before. */
export function outlineOf(schema: z.ZodObject) {
  const outline = (): Record<string, unknown> => {
    const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'output' }) as JsonSchema;
    const names = Object.entries(properties).map(([name, property]) => [name, typesOf(property)]);
    return { type: 'object', properties: Object.fromEntries(names) as unknown, required };
  };
  const jsonSchema = { input: outline, output: outline };
  const validate = (value: unknown) => ({ value: value as Record<string, unknown> });
  return { '~standard': { version: 1, vendor: 'stillpoint', jsonSchema, validate } } as const;
}

function typesOf({ type, anyOf = [] }: JsonSchema): JsonSchema {
  if (type !== undefined) return { type };
  const types = [...new Set(anyOf.flatMap((one) => one.type ?? []))];
  return types.length === 1 ? { type: types[0] } : { type: types };
}
