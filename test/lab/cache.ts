/** Where the lab keeps what is expensive to make or to fetch: `$XDG_CACHE_HOME/stillpoint-lab`, else below `~/.cache`. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export function cacheRoot(): string {
  const configured = process.env['XDG_CACHE_HOME'];
  const cache = configured !== undefined && configured !== '' ? configured : join(homedir(), '.cache');
  return join(cache, 'stillpoint-lab');
}
