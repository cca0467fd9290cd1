/** A host's volumes and what a backup could do with each. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { HostInventory, SnapshotPool, Volume } from '../../shared/domain/host.ts';
import { type Column, renderTable } from './table.ts';
import { type Paint, shown } from './text.ts';

const size = (bytes: number | undefined): string => (bytes === undefined ? '-' : formatBytes(bytes));

const VOLUMES: readonly Column<Volume>[] = [
  { title: 'VOLUME', cell: (volume) => volume.label },
  { title: 'MOUNTED AT', cell: (volume) => volume.mountpoints.join(', ') || '-' },
  { title: 'TYPE', cell: (volume) => `${volume.fsType} on ${volume.kind}` },
  { title: 'SIZE', align: 'right', cell: (volume) => size(volume.sizeBytes) },
  { title: 'USED', align: 'right', cell: (volume) => size(volume.usedBytes) },
  { title: 'SNAPSHOT', cell: (volume) => (volume.snapshot.possible ? volume.snapshot.provider : 'no') },
];

const POOLS: readonly Column<SnapshotPool>[] = [
  { title: 'ROOM FOR SNAPSHOTS', cell: ({ kindWords, name }) => `${kindWords} ${name}` },
  { title: 'SIZE', align: 'right', cell: (pool) => formatBytes(pool.sizeBytes) },
  { title: 'FREE', align: 'right', cell: (pool) => formatBytes(pool.freeBytes) },
];

export function renderInventory(inventory: HostInventory, paint: Paint): string {
  const parts = [
    `${paint('bold', shown(inventory.host))}  ${shown(inventory.system)}\n`,
    renderTable(VOLUMES, inventory.volumes, paint),
  ];
  const reasons = inventory.volumes.flatMap((volume) =>
    volume.snapshot.possible
      ? []
      : [
          `No snapshot of ${shown(volume.label)}: ${sentence(shown(volume.snapshot.reason))} ${shown(volume.snapshot.remedy)}\n`,
        ],
  );
  if (reasons.length > 0) parts.push(reasons.join(''));
  if (inventory.pools.length > 0) parts.push(renderTable(POOLS, inventory.pools, paint));
  if (inventory.warnings.length > 0) {
    parts.push(inventory.warnings.map((warning) => `${paint('yellow', 'warning:')} ${shown(warning)}\n`).join(''));
  }
  return parts.join('\n');
}

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);
