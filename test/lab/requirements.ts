/**
 * What the lab needs from the machine: root, the tun device, and Debian packages. Everything missing is said at once,
 * in one message, with the command that would help; as root on a Debian machine the packages are simply installed.
 */
import { access, constants, open, readFile } from 'node:fs/promises';
import { execa } from 'execa';

/** Packages that the guest, its image and the helpers beside it use. */
const labPackages: readonly string[] = [
  'user-mode-linux',
  'mmdebstrap',
  'e2fsprogs',
  'util-linux',
  'iproute2',
  'netcat-openbsd',
  'socat',
  'openssh-client',
  'openssh-server',
  'btrfs-progs',
  'debian-archive-keyring',
];

/** Thrown with everything that is missing in one message. */
class LabRequirementsError extends Error {
  override readonly name = 'LabRequirementsError';
}

/** The packages of `names` that are not installed. Throws when this is no Debian machine. */
async function missingPackages(names: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  const query = await execa('dpkg-query', ['--show', '--showformat', '${Package} ${db:Status-Status}\n', ...names], {
    reject: false,
    cancelSignal: signal,
  });
  if (query.code === 'ENOENT') {
    throw new LabRequirementsError(
      `This is not a Debian machine (no dpkg-query), and the lab needs: ${names.join(' ')}`,
    );
  }
  const installed = new Set(
    query.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/**
 * Sees to it that the Debian packages `names` are installed, with apt-get when this process is root.
 * Throws a {@link LabRequirementsError} naming all of them, and the command, otherwise.
 */
export async function ensureDebianPackages(names: readonly string[], signal: AbortSignal): Promise<void> {
  const missing = await missingPackages(names, signal);
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (!isRoot()) {
    throw new LabRequirementsError(`Debian packages are missing: ${missing.join(', ')}. As root, run: ${command}`);
  }
  const first = await aptGet(['install', '--yes', '--no-install-recommends', ...missing], signal);
  if (first.exitCode === 0) return;
  await aptGet(['update'], signal);
  const second = await aptGet(['install', '--yes', '--no-install-recommends', ...missing], signal);
  if (second.exitCode !== 0) {
    throw new LabRequirementsError(
      `Debian packages are missing and could not be installed: ${missing.join(', ')}. ` +
        `"${command}" ended with code ${String(second.exitCode)}: ${second.stderr.slice(-2000)}`,
    );
  }
}

/** Sees to it that a guest can be built and booted here: packages, root, and the tun device. */
export async function ensureLabRequirements(signal: AbortSignal): Promise<void> {
  const obstacles: string[] = [];
  if (!isRoot()) obstacles.push('root rights (network namespaces, tap devices and loop mounts need them)');
  if (!(await canOpenTun())) obstacles.push('/dev/net/tun, readable and writable (modprobe tun)');
  if (process.arch !== 'x64') obstacles.push(`an x86-64 machine (this one is ${process.arch})`);
  const missing = isRoot() ? [] : await missingPackages(labPackages, signal);
  if (missing.length > 0) {
    obstacles.push(`Debian packages: apt-get install --no-install-recommends ${missing.join(' ')}`);
  }
  if (obstacles.length > 0)
    throw new LabRequirementsError(`The lab cannot run here. It needs: ${obstacles.join('; ')}`);
  await ensureDebianPackages(labPackages, signal);
}

/** Why the lab cannot run here, or undefined when it can. Installs nothing; for tests that skip with a reason. */
export async function reasonLabCannotRun(): Promise<string | undefined> {
  if (!isRoot()) return 'the lab needs root (network namespaces, tap devices and loop mounts)';
  if (!(await canOpenTun())) return 'the lab needs /dev/net/tun';
  if (process.arch !== 'x64') return `the lab needs an x86-64 machine, this one is ${process.arch}`;
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (!/^ID(_LIKE)?=.*debian/m.test(release)) return 'the lab needs a Debian machine';
  return undefined;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function canOpenTun(): Promise<boolean> {
  try {
    await access('/dev/net/tun', constants.R_OK | constants.W_OK);
    await using _device = await open('/dev/net/tun', 'r+');
    return true;
  } catch {
    return false;
  }
}

async function aptGet(args: readonly string[], signal: AbortSignal) {
  return await execa('apt-get', ['-qq', ...args], {
    reject: false,
    cancelSignal: signal,
    stdin: 'ignore',
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}
