/** Where a piece of content may end: border.wat over one block after the other. It remembers nothing from one to the next. */
import { BORDER_WASM } from './border-wasm.ts';

/** Bytes before a block that it needs. */
export const LEAD_BYTES = 64;
export const BLOCK_BYTES = 32 * 1024;

const TABLES_AT = 0;
const LEAD_AT = 4096;

export interface BorderFinder {
  /** To be filled with the lead and, from `LEAD_BYTES` on, with the block. */
  readonly memory: Uint8Array;
  /** Behind which of the first `length` bytes of the block the first border is, counted from 1; 0 where there is none. */
  readonly border: (length: number) => number;
}

/** What border.wat exports. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly border: (length: number) => number;
}

/** What is used of it; Node's types do not have it. */
interface Wasm {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Exports };
}

/** @param tables see `cutTables` */
export function createBorderFinder(tables: BigUint64Array): BorderFinder {
  const wasm = (globalThis as unknown as { readonly WebAssembly: Wasm }).WebAssembly;
  const { exports } = new wasm.Instance(new wasm.Module(Buffer.from(BORDER_WASM, 'base64')));
  const { buffer } = exports.memory;
  new BigUint64Array(buffer, TABLES_AT, tables.length).set(tables);
  return { memory: new Uint8Array(buffer, LEAD_AT, LEAD_BYTES + BLOCK_BYTES), border: exports.border };
}
