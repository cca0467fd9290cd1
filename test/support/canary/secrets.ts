/** Secrets that nothing else can look like, and eyes that see them in whatever form they come. */
import { randomInt } from 'node:crypto';

const LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
/** Of no form in which a text is written down: what is looked for. */
const LENGTH = 24;

export interface Secret {
  /** Whose it is, for people: what is said where it was found. */
  readonly name: string;
  readonly value: string;
  /** What of it is looked for; the rest is there to be written otherwise in JSON, in addresses and in shells. */
  readonly core: string;
}

/** @param tail what follows the part that is looked for */
export function makeSecret(name: string, tail = ''): Secret {
  const core = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return { name, value: `${core}${tail}`, core };
}

/** As it stands (which is what JSON, addresses and shells make of it), in hexadecimal digits, and in Base64 wherever it begins. */
function formsOf(core: string): readonly string[] {
  const bytes = Buffer.from(core);
  const inBase64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64url')
      .replace(/=+$/, '');
    // What the bytes around it have a part in can be anything.
    return text.slice(Math.ceil((before * 4) / 3), text.length - 1);
  });
  return [core, bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...inBase64];
}

export class Eyes {
  /** Of all forms of all secrets: nearly everything that is looked at has none, which one look at it tells. */
  readonly #any: RegExp;
  readonly #forms: readonly { readonly name: string; readonly forms: readonly string[] }[];

  constructor(secrets: readonly Pick<Secret, 'name' | 'core'>[]) {
    this.#forms = secrets.map(({ name, core }) => ({ name, forms: formsOf(core) }));
    this.#any = new RegExp(this.#forms.flatMap(({ forms }) => forms).join('|'));
  }

  /** Names of the secrets that are in it. */
  see(content: Buffer | string): readonly string[] {
    const text = typeof content === 'string' ? content : content.toString('latin1');
    if (!this.#any.test(text)) return [];
    return this.#forms.flatMap(({ name, forms }) => (forms.some((form) => text.includes(form)) ? [name] : []));
  }
}
