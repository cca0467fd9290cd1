/** The commands that a page gives to its readers, so that a test runs these and no others. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The blocks of sh, or of another language, below a heading of a page, in order. @param heading without its marks */
export async function blocksOf(page: string, heading: string, language = 'sh'): Promise<readonly string[]> {
  const text = await readFile(join(import.meta.dirname, '../..', page), 'utf8');
  const section = text.split(/^#+ /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block);
}
