/** `rclone serve restic` over a folder, the real other side of our REST backend. Needs Debian's package `rclone`. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { parseLocation, type RestLocation } from '../../../shared/domain/location.ts';
import type { OwnCertificate } from './certificate.ts';
import { type RunningServer, startServer } from './server.ts';

export const NO_RCLONE = existsSync('/usr/bin/rclone') ? undefined : "Debian's package rclone is not installed";

export interface RcloneOptions {
  readonly login?: { readonly user: string; readonly password: string };
  readonly certificate?: OwnCertificate;
  readonly appendOnly?: boolean;
}

export interface RcloneServer extends RunningServer {
  /** The part before the path, without a login. */
  readonly url: string;
  locationOf(path: string): RestLocation;
}

export async function startRclone(folder: string, options: RcloneOptions = {}): Promise<RcloneServer> {
  const { login, certificate, appendOnly = false } = options;
  const args = [
    ...(certificate === undefined ? [] : ['--cert', certificate.certificateFile, '--key', certificate.keyFile]),
    ...(appendOnly ? ['--append-only'] : []),
    ...(login === undefined ? [] : ['--htpasswd', await accountsFile(`${folder}.accounts`, login)]),
    // Else it goes on showing what was taken away behind its back.
    '--cache-objects=false',
    folder,
  ];
  const server = await startServer((port) => ['rclone', 'serve', 'restic', '--addr', `127.0.0.1:${port}`, ...args], {
    RCLONE_CONFIG: '/nonexistent/rclone.conf',
  });
  const url = `http${certificate === undefined ? '' : 's'}://127.0.0.1:${server.port}/`;
  return {
    ...server,
    url,
    locationOf: (path) => parseLocation(`rest:${url}${path}/`) as RestLocation,
  };
}

/** As rclone reads it: with the password in a form from which nobody reads it, and in nobody's environment. */
async function accountsFile(file: string, { user, password }: Required<RcloneOptions>['login']): Promise<string> {
  await writeFile(file, `${user}:{SHA}${createHash('sha1').update(password).digest('base64')}\n`, { mode: 0o600 });
  return file;
}
