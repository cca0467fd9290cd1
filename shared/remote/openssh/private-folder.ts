/**
 * A folder for one connection, readable for us alone: the control socket, the log of each client, and the helper by
 * which a client asks. Removed with the connection; what a crash leaves behind are empty sockets and logs.
 */
import { constants } from 'node:fs';
import { access, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StillpointError } from '../../base/errors.ts';

/** A Unix socket has at most 104 bytes of path on some systems, and OpenSSH appends 17 while it makes one. */
const LONGEST_FOLDER = 80;

export interface PrivateFolder extends AsyncDisposable {
  readonly path: string;
}

/** A folder in which programs may be started where `mustRun`; some machines mount /tmp without that. */
export async function createPrivateFolder(homeFolder: string, mustRun: boolean): Promise<PrivateFolder> {
  const tried: string[] = [];
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp', homeFolder])) {
    const path = await mkdtemp(join(parent, '.stillpoint-')).catch(() => undefined);
    if (path === undefined) {
      tried.push(`"${parent}" cannot be written to`);
      continue;
    }
    const folder: PrivateFolder = {
      path,
      [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }).catch(() => undefined),
    };
    const obstacle = await whyUnsuitable(path, mustRun);
    if (obstacle === undefined) return folder;
    tried.push(`"${parent}" ${obstacle}`);
    await folder[Symbol.asyncDispose]();
  }
  throw new StillpointError('ssh.config', `There is no folder for the sockets of OpenSSH: ${tried.join('; ')}.`, {
    advice: 'Set TMPDIR to a folder with a short name that is yours and not mounted "noexec".',
    cause: undefined,
  });
}

async function whyUnsuitable(path: string, mustRun: boolean): Promise<string | undefined> {
  if (Buffer.byteLength(path) > LONGEST_FOLDER) return 'has too long a name for a socket';
  if (!mustRun) return undefined;
  const probe = join(path, 'probe');
  try {
    await writeFile(probe, '#!/bin/sh\n');
    await chmod(probe, 0o700);
    await access(probe, constants.X_OK);
    await rm(probe);
    return undefined;
  } catch {
    return 'lets no program start (mounted "noexec")';
  }
}
