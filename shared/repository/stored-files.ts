/**
 * Index, lock and restore-point files: whole, sealed, named by the SHA-256 of what is stored. Reading proves the name
 * and the seal before anything is believed.
 */
import { hash } from 'node:crypto';
import { StillpointError } from '../base/errors.ts';
import { type Backend, describeFile, type FileType } from './backend/backend.ts';
import type { Sealer } from './crypto/aes-poly1305.ts';
import { decodeUnpacked, encodeUnpacked, type UnpackedType } from './format/unpacked.ts';
import { isId } from './ids.ts';

export interface FilesParts {
  readonly backend: Backend;
  readonly sealer: Sealer;
  readonly config: { readonly version: 1 | 2 };
}

export class StoredFiles {
  readonly backend: Backend;
  /** Whose they are; see `PointReader`. */
  readonly title: string;
  readonly #sealer: Sealer;
  readonly #version: 1 | 2;

  constructor({ backend, sealer, config: { version } }: FilesParts, title: string) {
    this.backend = backend;
    this.title = title;
    this.#sealer = sealer;
    this.#version = version;
  }

  /** Names of the files of a type; temporary and foreign files are passed over, as restic does. */
  async listNames(type: FileType, signal: AbortSignal): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of this.backend.list(type, signal)) if (isId(name)) names.push(name);
    return names.toSorted();
  }

  /** The JSON of a file. */
  async load(type: UnpackedType, name: string, signal: AbortSignal): Promise<Buffer> {
    const file = { type, name };
    const content = await this.backend.load(file, undefined, signal);
    const what = describeFile(file);
    if (content.length === 0) throw damaged(file, 'is empty');
    if (hash('sha256', content, 'hex') !== name) throw damaged(file, 'does not match its name');
    const plaintext = this.#sealer.open(content);
    if (plaintext === undefined) throw damaged(file, 'is not sealed with the key of this repository');
    return decodeUnpacked(plaintext, type, what);
  }

  /** Durable when it resolves; the result is the file's name. */
  async save(type: UnpackedType, json: Buffer, signal: AbortSignal): Promise<string> {
    const content = this.#sealer.seal(encodeUnpacked(json, this.#version));
    const name = hash('sha256', content, 'hex');
    await this.backend.save({ type, name }, [content], signal);
    return name;
  }

  remove(type: UnpackedType, name: string, signal: AbortSignal): Promise<void> {
    return this.backend.remove({ type, name }, signal);
  }
}

const NEXT: Readonly<Record<UnpackedType, string>> = {
  index: 'The data that it names is not affected. Run "stillpoint repair index", which makes a new one from the packs.',
  snapshots:
    'Other restore points are not affected. Run "stillpoint check"; bring the file back from a copy if there is one.',
  locks: 'If nothing works on the repository any more, remove it with "stillpoint unlock --remove-all".',
};

function damaged(file: { readonly type: UnpackedType; readonly name: string }, fault: string): StillpointError {
  return new StillpointError('repository.damaged', `The file of ${describeFile(file)} ${fault}.`, {
    advice: `It was changed or damaged where it is stored. ${NEXT[file.type]}`,
    cause: undefined,
  });
}
