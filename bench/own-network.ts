/** Runs a program of the bench where nothing else passes the loopback, so that what passes is that of the bench. */
import { join } from 'node:path';
import { execa } from 'execa';
import { newestRestic } from '../test/support/newest-restic.ts';

/** What must come from elsewhere is fetched before. */
export async function inOwnNetwork(program: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  await newestRestic(signal);
  const script = 'ip link set lo up && exec "$0" "$@"';
  const path = join(import.meta.dirname, program);
  await execa('unshare', ['--net', '--', 'sh', '-c', script, process.execPath, path, ...args], {
    stdio: 'inherit',
    cancelSignal: signal,
  });
}
