/** The programs that are measured beside each other, each with its commands as values. */
import { join } from 'node:path';
import { execa } from 'execa';
import { GIVE_BACK, SMALL_HEAP } from '../shared/jobs/launch.ts';
import { newestRestic } from '../test/support/newest-restic.ts';
import type { ProgramOrder } from './program.ts';

/** A program with its arguments and environment, run from start to end. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Its memory is not that of one process. */
  readonly isPipeline?: boolean;
}

export interface Place {
  /** Of OpenSSH, with a host "local" that is this machine. */
  readonly sshConfigFile: string;
  readonly data: string;
  readonly store: string;
}

export interface Contestant {
  readonly name: string;
  /** Uses what another one has stored; makes nothing itself. */
  readonly storeOf?: string;
  readonly isOurs?: boolean;
  readonly init?: (place: Place) => Command;
  readonly backup?: (place: Place) => Command;
  /** Sees what has not changed. */
  readonly rescans?: boolean;
  readonly restore?: (place: Place, target: string) => Command;
  readonly check?: (place: Place) => Command;
  readonly verify?: (place: Place) => Command;
}

const PASSWORD = 'a password for measurements';
const RESTIC_ENV = { RESTIC_PASSWORD: PASSWORD, RESTIC_PROGRESS_FPS: '0' };
const BORG_ENV = {
  BORG_PASSPHRASE: PASSWORD,
  BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
  BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
};

/** Those whose programs are here. @param program ours, bundled */
export async function contestants(program: string, signal: AbortSignal): Promise<readonly Contestant[]> {
  const ours = stillpoint(program);
  const all = [...ours];
  if (await isHere('restic')) all.push(...resticOf('restic', await versionOf('restic')));
  const newest = await newestRestic(signal);
  if (newest.skip === undefined) all.push(...resticOf(newest.program, await versionOf(newest.program)));
  else console.log(`skipped: ${newest.skip}`);
  if (await isHere('borg')) all.push(BORG);
  if ((await isHere('zstd')) && (await isHere('tar'))) all.push(TAR);
  if (await isHere('rsync')) all.push(RSYNC);
  return all;
}

async function isHere(program: string): Promise<boolean> {
  const { exitCode } = await execa('sh', ['-c', 'command -v "$0"', program], { reject: false });
  if (exitCode !== 0) console.log(`skipped, since it is not installed: ${program}`);
  return exitCode === 0;
}

async function versionOf(restic: string): Promise<string> {
  return (await execa(restic, ['version'])).stdout.split(' ')[1] ?? '?';
}

function stillpoint(program: string): readonly Contestant[] {
  const run = ({ store }: Place, order: Omit<ProgramOrder, 'repository' | 'password'>): Command => {
    const whole: ProgramOrder = { ...order, repository: join(store, 'repository'), password: PASSWORD };
    const env = order.do === 'backup' ? GIVE_BACK : {};
    return { file: process.execPath, args: [...SMALL_HEAP, program, JSON.stringify(whole)], env };
  };
  const far = ({ sshConfigFile }: Place) => ({ sshConfigFile, isFar: true });
  const near: Contestant = {
    name: 'stillpoint: source over ssh, repository here',
    isOurs: true,
    rescans: true,
    init: (place) => run(place, { do: 'init' }),
    backup: (place) => run(place, { do: 'backup', folder: place.data, sshConfigFile: place.sshConfigFile }),
    restore: (place, target) => run(place, { do: 'restore', folder: target }),
    check: (place) => run(place, { do: 'check' }),
    verify: (place) => run(place, { do: 'verify' }),
  };
  return [
    near,
    {
      name: 'stillpoint: repository over sftp',
      isOurs: true,
      storeOf: near.name,
      restore: (place, target) => run(place, { do: 'restore', folder: target, ...far(place) }),
      check: (place) => run(place, { do: 'check', ...far(place) }),
      verify: (place) => run(place, { do: 'verify', ...far(place) }),
    },
  ];
}

function resticOf(file: string, version: string): readonly Contestant[] {
  const at = (name: string, wayTo: (place: Place) => readonly string[]): Contestant => {
    const run = (place: Place, ...args: readonly string[]): Command => {
      const cache = args[0] === 'backup' ? ['--cache-dir', join(place.store, 'cache')] : ['--no-cache'];
      return { file, args: ['--quiet', ...cache, ...wayTo(place), ...args], env: RESTIC_ENV };
    };
    return {
      name: `restic ${version}: ${name}`,
      rescans: true,
      init: (place) => run(place, 'init'),
      backup: (place) => run(place, 'backup', place.data),
      restore: (place, target) => run(place, 'restore', 'latest', '--target', target),
      check: (place) => run(place, 'check'),
      verify: (place) => run(place, 'check', '--read-data'),
    };
  };
  return [
    at('all here', ({ store }) => ['--repo', join(store, 'repository')]),
    at('repository over sftp', ({ store, sshConfigFile }) => [
      ...['--repo', `sftp:local:${join(store, 'repository')}`],
      ...['-o', `sftp.command=ssh -F ${sshConfigFile} local -s sftp`],
    ]),
  ];
}

const borg = ({ store, sshConfigFile }: Place, ...args: readonly string[]): Command => ({
  file: 'borg',
  args,
  env: {
    ...{ ...BORG_ENV, BORG_RSH: `ssh -F ${sshConfigFile}`, BORG_BASE_DIR: join(store, 'base') },
    BORG_REPO: `ssh://local${join(store, 'repository')}`,
  },
});

const BORG: Contestant = {
  name: 'borg, zstd: repository over ssh',
  rescans: true,
  init: (place) => borg(place, 'init', '--encryption=repokey-blake2'),
  backup: (place) => borg(place, 'create', '--compression=zstd,3', '::{now:%s.%f}', place.data),
  restore: (place, target) =>
    inShell('cd "$0" && borg extract "::$(borg list --short --last 1)"', [target], borg(place).env),
  check: (place) => borg(place, 'check'),
  verify: (place) => borg(place, 'check', '--verify-data'),
};

/** Neither encrypts what it stores, nor keeps what it had. */
const TAR: Contestant = {
  name: 'tar | zstd -1: over ssh',
  backup: ({ sshConfigFile, data, store }) =>
    inShell('ssh -F "$0" local "tar -cf - -C $1 ." | zstd -1 -q -f -o "$2"', [
      sshConfigFile,
      data,
      join(store, 'tar.zst'),
    ]),
  restore: ({ sshConfigFile, store }, target) =>
    inShell('ssh -F "$0" local "cat $1" | zstd -dcq | tar -xf - -C "$2"', [
      sshConfigFile,
      join(store, 'tar.zst'),
      target,
    ]),
};

const RSYNC: Contestant = {
  name: 'rsync -a: over ssh, a plain copy',
  rescans: true,
  backup: ({ sshConfigFile, data, store }) => rsync(sshConfigFile, `local:${data}/`, `${join(store, 'copy')}/`),
  restore: ({ sshConfigFile, store }, target) => rsync(sshConfigFile, `local:${join(store, 'copy')}/`, `${target}/`),
};

function rsync(sshConfigFile: string, from: string, to: string): Command {
  return { file: 'rsync', args: ['-a', '-e', `ssh -F ${sshConfigFile}`, from, to] };
}

function inShell(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
  return { file: 'bash', args: ['-c', `set -o pipefail; ${script}`, ...args], env, isPipeline: true };
}
