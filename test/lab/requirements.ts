/**
 * What the lab needs from the machine: root, the tun device, and Debian packages. Everything missing is said at once,
 * in one message, with the command that would help; as root on a Debian machine the packages are simply installed.
 */
import { execa } from 'execa';
import { missingPackages } from '../../.ci/debian-packages.mjs';
import { missingForGuests } from '../../.ci/lab-needs.mjs';

/** Thrown with everything that is missing in one message. */
class LabRequirementsError extends Error {
  override readonly name = 'LabRequirementsError';
}

/** The packages of `names` that are not installed. Throws when this is not a Debian machine. */
async function notInstalled(names: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
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
  const missing = await notInstalled(names, signal);
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

/** Sees to it that a guest can be built and booted here, by installing the packages that are missing. */
export async function ensureLabRequirements(signal: AbortSignal): Promise<void> {
  const missing = missingForGuests();
  if (missing.length > 0) throw new LabRequirementsError(`Guests need ${missing.join(', and ')}`);
  await ensureDebianPackages(missingPackages(['lab']), signal);
}

/** Why the lab cannot run here, or undefined when it can. Installs nothing; for tests that skip with a reason. */
export async function reasonLabCannotRun(): Promise<string | undefined> {
  const packages = missingPackages(['lab']);
  const missing = [
    ...missingForGuests(),
    ...(packages.length > 0 ? [`the Debian packages ${packages.join(' ')}`] : []),
  ];
  return missing.length === 0 ? undefined : `guests need ${missing.join(', and ')}`;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function aptGet(args: readonly string[], signal: AbortSignal) {
  return await execa('apt-get', ['-qq', ...args], {
    reject: false,
    cancelSignal: signal,
    stdin: 'ignore',
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}
