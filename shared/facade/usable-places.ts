/** Places that this machine's environment names, before anything is read or made there. */
import type { Environment } from '../base/environment.ts';
import { hasLostBytes, lostBytesError } from '../base/lost-bytes.ts';

/** Errors: `usage.invalid`. @param own what the caller named instead */
export function requireUsablePlaces(
  { configFile, configHome, stateHome, cacheHome }: Environment,
  own: { readonly configFile?: string | undefined; readonly stateFolder?: string | undefined },
): void {
  const places = [own.configFile ?? configFile ?? configHome, own.stateFolder ?? stateHome, cacheHome];
  const lost = places.find(hasLostBytes);
  if (lost === undefined) return;
  throw lostBytesError(
    `"${lost}"`,
    'Set HOME to a folder with another name; or XDG_CONFIG_HOME, XDG_STATE_HOME and XDG_CACHE_HOME, and STILLPOINT_CONFIG where it is set.',
  );
}
