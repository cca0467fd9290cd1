/**
 * What a machine needs for the throw-away guests beyond packages. Plain JavaScript for Node 18, because the bootstrap
 * asks before it installs anything.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** What is missing here, a phrase for each; empty when a guest can run. */
export function missingForGuests() {
  if (process.platform !== 'linux') return ['a Linux machine'];
  const missing = [];
  if (process.arch !== 'x64') missing.push(`an x86-64 machine (this one is ${process.arch})`);
  if (!isDebian()) missing.push('a Debian machine (guests are made of its packages)');
  if (process.getuid?.() !== 0) missing.push('root (for network namespaces, tap devices and mounts)');
  else if (!canUnshare())
    missing.push('the right to make namespaces (this is root without it, as in a plain container)');
  if (process.getuid?.() === 0 && !canOpenTun()) missing.push('the device /dev/net/tun ("modprobe tun" makes it)');
  return missing;
}

function isDebian() {
  try {
    return /^ID(_LIKE)?=.*debian/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

/** Where unshare is not installed yet, it is for the packages to be missing. */
function canUnshare() {
  const tried = spawnSync('unshare', ['--net', '--pid', '--mount-proc', '--fork', 'true'], { stdio: 'ignore' });
  return tried.error !== undefined || tried.status === 0;
}

function canOpenTun() {
  try {
    closeSync(openSync('/dev/net/tun', 'r+'));
    return true;
  } catch {
    return false;
  }
}
