/** Sizes as people write them. */
import { StillpointError } from '../base/errors.ts';

const UNITS = ['', 'k', 'm', 'g', 't'];

/** Bytes, or with one of the letters K, M, G and T in powers of 1024. */
export function parseSize(text: string): number {
  const parts = /^(\d{1,12})([kmgt]?)$/i.exec(text.trim());
  const bytes = Number(parts?.[1]) * 1024 ** UNITS.indexOf((parts?.[2] ?? '').toLowerCase());
  if (parts !== null && Number.isSafeInteger(bytes)) return bytes;
  throw new StillpointError('usage.invalid', `"${text}" is not a size.`, {
    advice: 'Write bytes, or a number with K, M, G or T, such as 500M.',
    cause: undefined,
  });
}
