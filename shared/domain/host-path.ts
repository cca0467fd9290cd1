import { StillpointError } from '../base/errors.ts';

/** A path on a host, as a person types it. Errors: `usage.invalid`. */
export function hostPath(text: string): Buffer {
  if (text.startsWith('/') && !text.includes('\0')) return Buffer.from(text);
  throw new StillpointError('usage.invalid', `"${text}" is not an absolute path on the host.`, {
    advice: 'Write the whole path, beginning with "/".',
    cause: undefined,
  });
}
