/**
 * What is written on the host beside each snapshot of a kept set, so that no record elsewhere is needed to know what it
 * is. The marks are words that every storage can hold beside a snapshot, and that an administrator can read. All times are those of the machine that ran this, because no host's clock is believed.
 */
import { StillpointError } from '../base/errors.ts';
import { type KeptId, keptId } from './kept-name.ts';
import { type OwnerId, ownerId } from './names.ts';

/** The other half of a pair of sets, as made around a command. */
export interface KeptPair {
  /** The same for both. */
  readonly id: KeptId;
  readonly side: 'before' | 'after';
}

export interface KeptMarks {
  readonly owner: OwnerId;
  /** Who made it, for people: "ada@laptop". */
  readonly by: string;
  /** Empty where none was given. */
  readonly reason: string;
  /** Seconds since 1970. */
  readonly taken: number;
  /** Seconds since 1970; undefined for never. */
  readonly expires: number | undefined;
  /** Which of how many snapshots of the set this is, from 1. */
  readonly part: number;
  readonly parts: number;
  readonly pair: KeptPair | undefined;
}

/** In bytes of UTF-8. */
const REASON_LIMIT = 1024;
/** What every storage can hold, also in the versions of ten years ago. */
const WORD_LIMIT = 100;

export function requireReason(reason: string): string {
  const bytes = Buffer.byteLength(reason);
  if (bytes <= REASON_LIMIT) return reason;
  throw new StillpointError('usage.invalid', `The reason has ${bytes} bytes, and ${REASON_LIMIT} can be kept.`, {
    advice: 'Say it in fewer words.',
    cause: undefined,
  });
}

/** Words of letters, digits and _+.-/=& only, none longer than 120. */
export function marksToWords(marks: KeptMarks): readonly string[] {
  const { owner, by, reason, taken, expires, part, parts, pair } = marks;
  return [
    `spk.owner=${owner}`,
    `spk.part=${part}/${parts}`,
    `spk.taken=${taken}`,
    `spk.expires=${expires ?? 'never'}`,
    ...pieces('by', by),
    ...pieces('reason', reason),
    ...(pair === undefined ? [] : [`spk.pair=${pair.id}.${pair.side}`]),
  ];
}

/** Undefined where the words are no marks of ours: then nothing is known of the snapshot. */
export function wordsToMarks(words: readonly string[]): KeptMarks | undefined {
  const fields = new Map<string, string>();
  for (const word of words) {
    const [, key, value] = /^spk\.([a-z0-9.]+)=([A-Za-z0-9_+./&-]*)$/.exec(word) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value);
  }
  const owner = /^[0-9a-f]{12}$/.exec(fields.get('owner') ?? '')?.[0];
  const [, part = '', parts = ''] = /^(\d{1,4})\/(\d{1,4})$/.exec(fields.get('part') ?? '') ?? [];
  const taken = /^\d{1,12}$/.exec(fields.get('taken') ?? '')?.[0];
  const expires = /^(?:\d{1,12}|never)$/.exec(fields.get('expires') ?? '')?.[0];
  const [, pair, side] = /^([0-9a-f]{8})\.(before|after)$/.exec(fields.get('pair') ?? '') ?? [];
  if (owner === undefined || part === '' || taken === undefined || expires === undefined) return undefined;
  return {
    owner: ownerId(owner),
    by: joined('by', fields),
    reason: joined('reason', fields),
    taken: Number(taken),
    expires: expires === 'never' ? undefined : Number(expires),
    part: Number(part),
    parts: Number(parts),
    pair: pair === undefined ? undefined : { id: keptId(pair), side: side === 'before' ? 'before' : 'after' },
  };
}

/** Long texts are cut into several words, because a word may not be long. */
function pieces(key: string, text: string): readonly string[] {
  const encoded = encode(text).match(new RegExp(`(?:&[0-9a-f]{2}|[^&]){1,${Math.floor(WORD_LIMIT / 3)}}`, 'g')) ?? [];
  return encoded.map((piece, index) => `spk.${key}.${index + 1}=${piece}`);
}

function joined(key: string, fields: ReadonlyMap<string, string>): string {
  const found: string[] = [];
  for (let index = 1; fields.has(`${key}.${index}`); index += 1) found.push(fields.get(`${key}.${index}`) ?? '');
  return decode(found.join(''));
}

/** Letters, digits, "_", "." and "-" stand for themselves, "+" for a blank, "&xx" for every other byte. */
function encode(text: string): string {
  return Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9_.-]/.test(character)) return character;
    return character === ' ' ? '+' : `&${byte.toString(16).padStart(2, '0')}`;
  }).join('');
}

function decode(text: string): string {
  const bytes = text.replaceAll('+', ' ').replaceAll(/&([0-9a-f]{2})/g, (_, hex: string) => {
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
