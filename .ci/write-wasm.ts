/**
 * Assembles the WebAssembly that says where content is cut. Run it after changing `border.wat`; a test says when it was
 * forgotten. What it makes stands beside its source because programs also run from the sources, without a build.
 *
 *   node .ci/write-wasm.ts && npm run format
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { assemble } from './assemble.ts';

const room = new URL('../shared/repository/workers/', import.meta.url);
const wasm = await assemble(readFileSync(new URL('border.wat', room), 'utf8'));
const text = `/** Made of border.wat by .ci/write-wasm.ts. */
export const BORDER_WASM =
  '${Buffer.from(wasm).toString('base64')}';
`;
writeFileSync(new URL('border-wasm.ts', room), text);
