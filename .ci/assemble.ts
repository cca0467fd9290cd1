/** WebAssembly text to WebAssembly, which is the same bytes whenever the text is. */
import wabt from 'wabt';

export async function assemble(text: string): Promise<Uint8Array> {
  const module = (await wabt()).parseWat('border.wat', text);
  try {
    module.validate();
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}
