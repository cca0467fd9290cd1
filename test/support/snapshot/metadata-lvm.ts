/**
 * A host with the real programs of LVM and no device-mapper: volume groups of metadata on loop devices, with
 * activation switched off in lvm.conf. Enough for everything that LVM reports, refuses and removes, on any machine and
 * in seconds; what a kernel does with volumes needs a guest.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { temporaryFolder } from '../temporary-folder.ts';
import { type NamespaceHost, startNamespaceHost, whyNoNamespaceHost } from './namespace-host.ts';

export interface MetadataLvm extends NamespaceHost {
  /** Loop devices, one for each group that was asked for. */
  readonly devices: readonly string[];
  /** Replaces lvm.conf; sections and settings beside those that keep LVM to its own devices. Empty: as delivered. */
  configure(settings: Readonly<Record<string, string>>): Promise<void>;
  /** Turns the volume `store` into a thick snapshot of `origin`, which only metadata can do without a kernel. */
  makeSnapshot(group: string, origin: string, store: string): Promise<void>;
  /** Rewrites the metadata of a group. */
  rewrite(group: string, change: (metadata: string) => string): Promise<void>;
  /** "group/name" of all volumes. */
  volumes(): Promise<readonly string[]>;
}

export async function whyNoMetadataLvm(): Promise<string | undefined> {
  const whyNot = await whyNoNamespaceHost();
  if (whyNot !== undefined) return whyNot;
  if (!existsSync('/usr/sbin/lvm')) return 'LVM is not installed';
  if (!existsSync('/dev/loop-control')) return 'there are no loop devices';
  const probe = await execa('losetup', ['--find'], { reject: false });
  return probe.exitCode === 0 ? undefined : `losetup failed: ${probe.stderr}`;
}

/** Each group has one device of 64 MiB and extents of 1 MiB. */
export async function startMetadataLvm(groups: readonly string[]): Promise<MetadataLvm> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await temporaryFolder());
  const etc = join(folder.path, 'etc');
  await mkdir(etc);
  const devices: string[] = [];
  for (const group of groups) {
    const image = join(folder.path, `${group}.image`);
    await execa('truncate', ['-s', '64M', image]);
    const device = (await execa('losetup', ['--find', '--show', image])).stdout;
    started.defer(async () => void (await execa('losetup', ['--detach', device])));
    devices.push(device);
  }
  const filter = [...devices.map((device) => `"a|^${device}$|"`), '"r|.*|"'].join(',');
  const configure = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    const own = { global: 'activation=0', devices: `filter=[${filter}] hints="none"` };
    const sections = [...new Set([...Object.keys(own), ...Object.keys(settings)])];
    const merged = new Map(Object.entries(own));
    const text = sections.map((name) => `${name} { ${merged.get(name) ?? ''} ${settings[name] ?? ''} }\n`);
    await writeFile(join(etc, 'lvm.conf'), text.join(''));
  };
  await configure({});
  const world = started.use(await startNamespaceHost(`mount --bind '${etc}' /etc/lvm`));
  for (const [index, group] of groups.entries()) {
    await world.sh(`vgcreate -qq --physicalextentsize 1m ${group} ${devices[index] ?? ''} 2>&1`);
  }
  const rewrite = async (group: string, change: (metadata: string) => string): Promise<void> => {
    const file = join(folder.path, `${group}.metadata`);
    await world.sh(`vgcfgbackup -qq -f '${file}' ${group} 2>/dev/null`);
    await writeFile(file, change(await readFile(file, 'utf8')));
    await world.sh(`vgcfgrestore -qq --yes --force -f '${file}' ${group}`);
  };
  const owned = started.move();
  return {
    host: world.host,
    connect: world.connect,
    enter: world.enter,
    sh: world.sh,
    kill: world.kill,
    devices,
    configure,
    rewrite,
    makeSnapshot: (group, origin, store) => rewrite(group, (metadata) => withSnapshot(metadata, origin, store)),
    async volumes() {
      const list = await world.sh('lvs -qq --reportformat json -o vg_name,lv_name 2>/dev/null');
      const { report } = JSON.parse(list) as { report: { lv: { vg_name: string; lv_name: string }[] }[] };
      return report.flatMap(({ lv }) => lv.map(({ vg_name, lv_name }) => `${vg_name}/${lv_name}`)).toSorted();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

let snapshots = 0;

function withSnapshot(metadata: string, origin: string, store: string): string {
  const extents = new RegExp(`\\t${origin} \\{[^]*?extent_count = (\\d+)`).exec(metadata)?.[1];
  if (extents === undefined) throw new Error(`there is no volume ${origin}`);
  snapshots += 1;
  const hidden = metadata.replace(
    new RegExp(`(\\t${store} \\{[^]*?status = )\\["READ", "WRITE", "VISIBLE"\\]`),
    '$1["READ", "WRITE"]',
  );
  const end = hidden.lastIndexOf('\n\t}\n');
  const volume = `
snapshot${snapshots} {
id = "snap00-0000-0000-0000-0000-0000-${String(snapshots).padStart(6, '0')}"
status = ["READ", "WRITE", "VISIBLE"]
flags = []
segment_count = 1
segment1 {
start_extent = 0
extent_count = ${extents}
type = "snapshot"
chunk_size = 8
origin = "${origin}"
cow_store = "${store}"
}
}
`;
  return hidden.slice(0, end) + volume + hidden.slice(end);
}
