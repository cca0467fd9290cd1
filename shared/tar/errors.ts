/** The two ways in which a tar stream can be wrong. */
import { StillpointError } from '../base/errors.ts';

/** Something in the stream breaks the format; `position` is the byte where the broken part begins. */
export function malformed(position: number, why: string): StillpointError {
  return new StillpointError('read.malformed', `The tar stream cannot be understood at byte ${position}: ${why}.`, {
    advice:
      'None of it can be trusted. Run it again; when it breaks at the same place, the tar program on the host is at fault.',
    details: { position, why },
    cause: undefined,
  });
}

/** The stream ended where more had to follow. */
export function incomplete(position: number, missing: string): StillpointError {
  return new StillpointError('read.incomplete', `The tar stream ended at byte ${position} before ${missing}.`, {
    advice: 'What came so far may be short. Run it again when the connection and the host are in order.',
    details: { position, missing },
    cause: undefined,
  });
}
