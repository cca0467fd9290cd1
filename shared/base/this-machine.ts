/**
 * What tells this machine, this boot of it and this view of its processes from all others. A host name does not: two
 * machines or containers may share one. Nothing here changes while we run, so it is found out once.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

/** Each is empty where the system does not say it; an empty one proves nothing. */
export interface ThisMachine {
  readonly hostname: string;
  /**
   * The same after a restart and different on another machine: a digest of the machine id and of the addresses that the
   * network adapters were made with. Either alone does not do: both a template of virtual machines and a container image
   * may hold a machine id, and some clouds give every machine the same address.
   */
  readonly machine: string;
  /** Random at each start of the system; containers share that of their machine. */
  readonly boot: string;
  /** The namespaces by which process numbers and start times are given. */
  readonly namespace: string;
}

let known: Promise<ThisMachine> | undefined;

export function thisMachine(): Promise<ThisMachine> {
  known ??= lookAtMachine('/');
  return known;
}

/** @param root where /etc, /proc and /sys are found; another than `/` is for tests */
export async function lookAtMachine(root: string): Promise<ThisMachine> {
  const at = (name: string): string => join(root, name);
  const [boot, pid, time, machine] = await Promise.all([
    process.platform === 'darwin' ? darwinBoot() : text(at('proc/sys/kernel/random/boot_id')),
    readlink(at('proc/self/ns/pid')).catch(() => ''),
    readlink(at('proc/self/ns/time')).catch(() => ''),
    machineDigest(root),
  ]);
  return { hostname: hostname(), machine, boot, namespace: [pid, time].filter((name) => name !== '').join(' ') };
}

async function machineDigest(root: string): Promise<string> {
  const [id, addresses] = await Promise.all([text(join(root, 'etc/machine-id')), adapterAddresses(root)]);
  if (!/^[0-9a-f]{32}$/.test(id) || addresses.length === 0) return '';
  // The machine id is confidential by its own manual page (machine-id(5)); a digest of our own is not.
  return createHash('sha256')
    .update(['stillpoint', id, ...addresses].join('\n'))
    .digest('hex')
    .slice(0, 32);
}

/** Of adapters that are devices; what software makes up or changes is left out. */
async function adapterAddresses(root: string): Promise<readonly string[]> {
  const net = join(root, 'sys/class/net');
  const radio = join(root, 'sys/class/ieee80211');
  const wired = (await names(net)).map((name) => wiredAddress(join(net, name)));
  const wireless = (await names(radio)).map((name) => text(join(radio, name, 'macaddress')));
  const found = await Promise.all([...wired, ...wireless]);
  return [...new Set(found)].filter((address) => /^[0-9a-f:]{17}$/.test(address)).toSorted();
}

async function wiredAddress(adapter: string): Promise<string> {
  const entries = await names(adapter);
  // An adapter for radio may be given a random address for each network; its own is asked of the radio.
  if (!entries.includes('device') || entries.includes('phy80211')) return '';
  if (entries.includes('bonding_slave')) return await text(join(adapter, 'bonding_slave/perm_hwaddr'));
  const isPermanent = (await text(join(adapter, 'addr_assign_type'))) === '0';
  return isPermanent ? await text(join(adapter, 'address')) : '';
}

async function darwinBoot(): Promise<string> {
  try {
    return (await promisify(execFile)('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'])).stdout.trim();
  } catch {
    return '';
  }
}

async function text(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

async function names(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
