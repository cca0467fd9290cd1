/** The table of keys in docs/configuration.md is made from the schema. `vitest -u` writes it anew. */
import { expect, test } from 'vitest';
import { jsonSchema } from '../../../shared/config/schema.ts';
import { markdownTable, pageWithParts } from '../../support/generated-docs.ts';

interface Schema {
  readonly type?: string;
  readonly const?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** What a name stands for that a person chooses. */
const CHOSEN: Readonly<Record<string, string>> = { hosts: 'HOST', repositories: 'REPOSITORY', sources: 'SOURCE' };

/** The objects that may stand in a list. */
function shapesIn({ items }: Schema): readonly Schema[] {
  return (items?.anyOf ?? []).flatMap((one) => one.oneOf ?? one.anyOf ?? [one]).filter(({ properties }) => properties);
}

/** What tells one of them from the others. */
const kindOf = ({ properties: { of } = {} }: Schema): string => (of?.enum ?? [of?.const]).join('|');

function valueOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`"${value}"\``).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(valueOf).join(' or ');
  if (schema.const !== undefined) return `\`"${schema.const}"\``;
  if (shapesIn(schema).length > 0) return 'a list of texts or objects';
  if (schema.type === 'array') return schema.items?.type === 'array' ? 'lists of texts' : 'a list of texts';
  if (schema.type !== 'integer') return { boolean: '`true` or `false`', string: 'a text' }[schema.type ?? ''] ?? '';
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = schema;
  return `a whole number, ${maximum === Number.MAX_SAFE_INTEGER ? `${minimum} or more` : `${minimum} to ${maximum}`}`;
}

function rowsOf(schema: Schema, path: readonly string[]): readonly (readonly string[])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const named = typeof inner.additionalProperties === 'object' ? inner.additionalProperties : undefined;
    const here = [...path, key, ...(named === undefined ? [] : [CHOSEN[key] ?? 'NAME'])];
    const object = named ?? inner;
    const must = schema.required?.includes(key) === true ? ', required' : '';
    const value = object.properties === undefined ? valueOf(object) : 'an object';
    const shapes = shapesIn(object);
    const inLists = shapes.flatMap((shape) => {
      const at = [...path, `${key}[${shapes.length === 1 ? '' : kindOf(shape)}]`];
      return [[`\`${at.join('.')}\``, 'an object', shape.description ?? ''], ...rowsOf(shape, at)];
    });
    const row = [`\`${here.join('.')}\``, `${value}${must}`, object.description ?? ''];
    return [row, ...rowsOf(object, here), ...inLists];
  });
}

test('docs/configuration.md has every key of the schema, and no other', async () => {
  const page = new URL('../../../docs/configuration.md', import.meta.url);
  const rows = rowsOf(jsonSchema(), []);
  expect(rows.filter((row) => row.includes(''))).toEqual([]);
  const parts = new Map([['keys', markdownTable(['Key', 'Value', 'Meaning'], rows)]]);
  await expect(await pageWithParts(page, parts)).toMatchFileSnapshot(page.pathname);
});
