/** What we call ourselves where people of other machines read it: "ada@laptop". */
import { hostname, userInfo } from 'node:os';

/** A name of 64 bytes is long enough for that. */
export function whoWeAre(): string {
  let user = 'somebody';
  try {
    user = userInfo().username;
  } catch {
    // An account without an entry.
  }
  return `${user}@${hostname()}`.slice(0, 64);
}
