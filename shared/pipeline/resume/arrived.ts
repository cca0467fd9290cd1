/**
 * What has come of a tree in a run, noted as it comes, so that another process can go on from there. It is of the snapshot that
 * is read, so only the same run may use it.
 *
 * Invariants. A note is believed where what tar said on the host until then names neither the entry nor anything that cannot be
 * explained; whether the content is stored by now, the repository is asked. Notes are in the order of the listing.
 */
import { z } from 'zod';
import { type BlobId, isId } from '../../repository/ids.ts';
import type { SaidId } from '../../snapshot/host/run-folder.ts';
import { complaintsOfTar } from '../backup/complaints.ts';
import { isOfItsEnd } from '../backup/content-account.ts';
import type { NodeRest } from '../backup/node.ts';
import { MOST_SAID_BYTES } from '../backup/pack-files.ts';
import type { AppendedFile } from './appended-file.ts';
import { readLines } from './appended-file.ts';
import type { BegunFile, FilePart } from './file-part.ts';

/** An entry of a listing. */
interface ListedPlace {
  /** Which one of the listing it is. */
  readonly at: number;
  readonly path: Buffer;
}

export interface ArrivedTree {
  /** What comes from here on is of another stream. */
  begin(said: SaidId): void;
  /** It came whole, whatever its tar may still say of it. */
  came(place: ListedPlace, rest: Promise<NodeRest | undefined>): void;
  /** Of a large file that is on its way. @param head what is known of it before its content */
  part(place: ListedPlace, head: Omit<BegunFile, 'parts'>, part: Promise<FilePart>): void;
  /** Undefined for what has to be asked for. Call it in the order of the listing. @param name as tar is given it */
  find(place: ListedPlace, name: Buffer): Promise<NodeRest | BegunFile | undefined>;
}

/** Of one process. What tar said is asked by the name under which it lies on the host; undefined: it was never begun. */
export interface Notes {
  readonly file: string;
  readonly said: (id: SaidId) => Promise<string | undefined>;
}

const lineSchema = z.union([
  z.object({ said: z.string().regex(/^[0-9a-f]+$/) }),
  z.object({
    at: z.int().nonnegative(),
    /** Bytes, as Latin-1. */
    path: z.string(),
    content: z.array(z.string().refine(isId)).exactOptional(),
    attributes: z.array(z.tuple([z.string(), z.base64()])).exactOptional(),
    device: z.string().regex(/^\d+$/).exactOptional(),
    sparse: z.array(z.number().nonnegative()).exactOptional(),
    /** Where these pieces end, of a file that is on its way; the first such note of it has its attributes. */
    endsAt: z.int().positive().exactOptional(),
  }),
]);
type Line = z.infer<typeof lineSchema>;
type Note = Exclude<Line, { said: string }>;

function parseLine(line: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Notes into one file, and finds what the processes before this one noted. */
export async function openArrivedTree(into: AppendedFile, earlier: readonly Notes[]): Promise<ArrivedTree> {
  const cursors: NoteCursor[] = [];
  for (const notes of earlier) cursors.push(await NoteCursor.open(notes));
  let begun: number | undefined;
  // What fails before its turn comes must not be an unhandled rejection.
  let last: Promise<void> = Promise.resolve();
  const after = (work: () => Promise<void> | void): void => {
    last = last.then(work).catch(() => undefined);
  };
  return {
    begin: (said) => after(() => into.add(JSON.stringify({ said } satisfies Line))),
    came: (place, coming) => {
      coming.catch(() => undefined);
      after(async () => {
        const rest = await coming;
        if (rest !== undefined) into.add(JSON.stringify(noteOf(place, rest)));
      });
    },
    part: (place, head, coming) => {
      coming.catch(() => undefined);
      after(async () => {
        const { ids, endsAt } = await coming;
        const isFirst = begun !== place.at;
        begun = place.at;
        const { content: _, ...note } = noteOf(place, isFirst ? head.rest : {});
        const sparse = isFirst && head.sparse !== undefined ? { sparse: [...head.sparse] } : {};
        into.add(JSON.stringify({ ...note, ...sparse, content: [...ids], endsAt } satisfies Line));
      });
    },
    async find(place, name) {
      let farthest: BegunFile | undefined;
      // Each goes on to this place, whether or not one before it has what is looked for.
      const found = [];
      for (const cursor of cursors) found.push(await cursor.find(place, name));
      for (const notes of found) {
        const whole = notes.find(({ endsAt }) => endsAt === undefined);
        if (whole !== undefined) return restOf(whole);
        const file = begunOf(notes);
        if (file !== undefined && endOf(file) > endOf(farthest)) farthest = file;
      }
      return farthest;
    },
  };
}

function noteOf({ at, path }: ListedPlace, { content, extendedAttributes, device }: NodeRest): Note {
  const attributes = extendedAttributes?.map(({ name, value }): [string, string] => [name, value.toString('base64')]);
  return {
    ...{ at, path: path.toString('latin1') },
    ...(content === undefined ? {} : { content: [...content] }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(device === undefined ? {} : { device: String(device) }),
  };
}

function begunOf(notes: readonly Note[]): BegunFile | undefined {
  const [first] = notes;
  if (first === undefined) return undefined;
  const parts = notes.flatMap(({ content = [], endsAt }) =>
    endsAt === undefined ? [] : [{ ids: content as readonly string[] as readonly BlobId[], endsAt }],
  );
  const { content: _, ...rest } = restOf(first);
  return { rest, sparse: first.sparse && Float64Array.from(first.sparse), parts };
}

const endOf = (file: BegunFile | undefined): number => file?.parts.at(-1)?.endsAt ?? 0;

function restOf({ content, attributes, device }: Note): NodeRest {
  return {
    ...(content === undefined ? {} : { content: content as readonly string[] as readonly BlobId[] }),
    ...(device === undefined ? {} : { device: BigInt(device) }),
    ...(attributes === undefined
      ? {}
      : { extendedAttributes: attributes.map(([name, value]) => ({ name, value: Buffer.from(value, 'base64') })) }),
  };
}

class NoteCursor {
  readonly #notes: AsyncGenerator<Note>;
  readonly #doubted: ReadonlySet<string>;
  #next: Note | undefined;

  private constructor(notes: AsyncGenerator<Note>, doubted: ReadonlySet<string>) {
    this.#notes = notes;
    this.#doubted = doubted;
  }

  static async open({ file, said }: Notes): Promise<NoteCursor> {
    const doubted = new Set<string>();
    const trusted = new Set<string>();
    for await (const line of readLines(file, parseLine)) {
      if (!('said' in line)) continue;
      const text = await said(line.said as SaidId);
      if (text === undefined || text.length >= MOST_SAID_BYTES) continue;
      const { complaints, others } = complaintsOfTar(text);
      for (const { name } of complaints) doubted.add(name.toString('latin1'));
      if (others.every(isOfItsEnd)) trusted.add(line.said);
    }
    const cursor = new NoteCursor(trustedNotes(file, trusted), doubted);
    await cursor.#step();
    return cursor;
  }

  /** All that was noted of a place. */
  async find({ at, path }: ListedPlace, name: Buffer): Promise<readonly Note[]> {
    while (this.#next !== undefined && this.#next.at < at) await this.#step();
    const notes: Note[] = [];
    for (; this.#next?.at === at && this.#next.path === path.toString('latin1'); await this.#step())
      notes.push(this.#next);
    return this.#doubted.has(name.toString('latin1')) ? [] : notes;
  }

  async #step(): Promise<void> {
    const next = await this.#notes.next();
    this.#next = next.done === true ? undefined : next.value;
  }
}

async function* trustedNotes(file: string, trusted: ReadonlySet<string>): AsyncGenerator<Note> {
  // What stands before the first stream was taken over from earlier notes.
  let isTrusted = true;
  for await (const line of readLines(file, parseLine)) {
    if ('said' in line) isTrusted = trusted.has(line.said);
    else if (isTrusted) yield line;
  }
}
