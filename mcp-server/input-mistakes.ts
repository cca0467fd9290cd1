/**
 * What is wrong with the arguments of a call, for a model that has to correct them: which argument, what was given, and
 * what is wanted. What is wanted is read off the same schema that the list of tools shows.
 */
import { z } from 'zod';
import { nearest } from '../shared/base/nearest.ts';

/** So much of what was given is shown. */
const GIVEN_CHARACTERS = 60;

interface Wanted {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly items?: Wanted;
  readonly properties?: Readonly<Record<string, Wanted>>;
  readonly required?: readonly string[];
}

/** What to correct, in sentences. */
export function inputMistakes(input: z.ZodObject, given: unknown, error: z.ZodError): string {
  const { properties = {}, required = [] } = z.toJSONSchema(input, { io: 'input' }) as Wanted;
  const sentences = error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') return unknownArguments(issue.keys, Object.keys(properties));
    const [name, ...inner] = issue.path;
    if (typeof name !== 'string') return `The arguments have to be an object, and not ${shown(given)}.`;
    const isRequired = required.includes(name);
    return wrongArgument({ name, inner, isRequired, wanted: properties[name] ?? {} }, given);
  });
  return sentences.join(' ');
}

function unknownArguments(keys: readonly string[], names: readonly string[]): string {
  const guesses = [...new Set(keys.flatMap((key) => nearest(key, names) ?? []))];
  const known = names.length === 0 ? 'this tool takes none' : `the arguments are ${names.map(quoted).join(', ')}`;
  const advice = guesses.length === 0 ? `${known}.` : `did you mean ${guesses.map(quoted).join(' and ')}?`;
  return `There is no argument ${keys.map(shown).join(' and no ')}; ${advice}`;
}

interface Argument {
  readonly name: string;
  /** Where in the argument the mistake is: an index of a list, or nothing. */
  readonly inner: readonly PropertyKey[];
  readonly isRequired: boolean;
  readonly wanted: Wanted;
}

function wrongArgument({ name, inner, isRequired, wanted }: Argument, given: unknown): string {
  const where = quoted(name);
  const whole = memberOf(given, name);
  if (whole === undefined) return `${where} is missing; it is ${wantedWords(wanted)}.`;
  const value = inner.reduce(memberOf, whole);
  const among = inner.length === 0 ? 'is' : 'holds';
  const leaveOut = value === null && !isRequired ? ', or left out' : '';
  return `${where} ${among} ${shown(value)} and must be ${wantedWords(wanted)}${leaveOut}.`;
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<PropertyKey, unknown>)[key];
}

function wantedWords(wanted: Wanted): string {
  if (wanted.enum !== undefined) return `one of ${wanted.enum.map((one) => JSON.stringify(one)).join(', ')}`;
  switch (wanted.type) {
    case 'array':
      return `a list${wanted.minItems === 1 ? ' of at least one entry' : ''}, each entry ${wantedWords(wanted.items ?? {})}`;
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${between(wanted.minimum, wanted.maximum)}`;
    case 'number':
      return `a number${between(wanted.minimum, wanted.maximum)}`;
    case 'string':
      return stringWords(wanted);
    default:
      return wanted.description ?? 'what the input schema says';
  }
}

function stringWords({ format, pattern, minLength, maxLength }: Wanted): string {
  if (format === 'date-time') return 'a string with an instant and its offset from UTC, such as "2026-11-29T08:00:00Z"';
  // The one pattern in use is that of a path
  const begin = pattern === undefined ? '' : ' that begins with "/"';
  return `a string${between(minLength, maxLength, 'of ')} characters${begin}`;
}

function between(least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER, of = 'from '): string {
  const hasMost = most < Number.MAX_SAFE_INTEGER;
  if (least > Number.MIN_SAFE_INTEGER) return hasMost ? ` ${of}${least} to ${most}` : ` of at least ${least}`;
  return hasMost ? ` of at most ${most}` : '';
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? typeof value;
  return text.length <= GIVEN_CHARACTERS ? text : `${text.slice(0, GIVEN_CHARACTERS)}…`;
}

function quoted(name: string): string {
  return `"${name}"`;
}
