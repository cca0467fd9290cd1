/** Why a thin volume cannot be snapshotted, and what would help: itself, what its pool lies on, what state that is in. */
import { labelOf, type OriginFacts, type Refusal } from '../origin-facts.ts';
import { isThin, type LogicalVolumeRecord } from '../records.ts';
import { poolOf, type ThinPool } from './pool.ts';

export function refuseThin({ volume, volumes, pools }: OriginFacts): Refusal {
  const label = labelOf(volume);
  if (volume.segtype !== 'thin') {
    return [`"${label}" is of type ${volume.segtype}`, 'Only volumes that are thin as a whole can be snapshotted.'];
  }
  const pool = poolOf(volume, volumes, pools);
  if (pool === undefined) {
    return [
      `the pool of the thin volume "${label}" is not of a kind that this version can judge`,
      `See "lvs -a -o name,segtype,pool_lv ${volume.vg_name}" on the host.`,
    ];
  }
  return refuseOrigin(volume, volumes, label) ?? refuseParts(pool) ?? refuseState(pool);
}

/** A thin volume may be a layer over a volume outside of its pool, of which a snapshot would hold nothing. */
function refuseOrigin(
  { vg_uuid, origin }: LogicalVolumeRecord,
  volumes: readonly LogicalVolumeRecord[],
  label: string,
): Refusal {
  if (origin === '') return undefined;
  const base = volumes.find((each) => each.vg_uuid === vg_uuid && each.lv_name.replaceAll(/[[\]]/g, '') === origin);
  if (base !== undefined && isThin(base)) return undefined;
  return [
    `"${label}" lies as a thin layer over the volume "${origin}" outside of its pool (an external origin)`,
    'Copy it to a thin volume of its own, or choose a path on another volume.',
  ];
}

const FAST: Readonly<Record<string, readonly [what: string, help: (label: string) => string]>> = {
  cache: [
    'cached on a faster disk (dm-cache)',
    (label) =>
      `"lvconvert --splitcache ${label}" writes the cache back and detaches it; it can be attached again afterwards.`,
  ],
  writecache: ['behind a write cache', (label) => `"lvconvert --splitcache ${label}" writes it back and detaches it.`],
  vdo: ['deduplicated by LVM (VDO)', () => 'Choose a path on a volume of another pool.'],
};

/** What a pool lies on, where it is more than disks: a snapshot there was never tried, and what fills is another layer. */
function refuseParts({ volume, parts }: ThinPool): Refusal {
  const label = labelOf(volume);
  for (const part of parts) {
    const types = part.segtype.split(',');
    const found = Object.entries(FAST).find(([type]) => types.some((each) => each.startsWith(type)));
    if (found !== undefined) {
      const [, [what, help]] = found;
      return [`the thin pool "${label}" is ${what}, which this version does not snapshot`, help(label)];
    }
    if (!types.every((type) => /^(linear|striped|raid\w*)$/.test(type))) {
      return [
        `the thin pool "${label}" lies on a volume of type ${part.segtype}`,
        'Only pools on linear, striped and RAID volumes are known to this version.',
      ];
    }
  }
  return undefined;
}

function refuseState({ volume, status, isSuspended }: ThinPool): Refusal {
  const label = labelOf(volume);
  const shown = `the thin pool "${label}"`;
  const repair = `Save what can be read another way; then, with nothing of the pool in use, "lvconvert --repair ${label}".`;
  if (isSuspended) {
    return [
      `${shown} is suspended, so everything that writes to its volumes waits`,
      `Look for an LVM command that hangs; "lvchange --refresh ${label}" resumes the pool.`,
    ];
  }
  if (status === undefined) {
    return [`the kernel has no status of ${shown}`, `See "lvs -a ${label}" and "dmsetup status" on the host.`];
  }
  if (status.mode === 'failed') return [`${shown} has failed`, repair];
  if (status.needsCheck) return [`${shown} needs to be checked ("needs_check")`, repair];
  if (status.mode === 'ro') return [`${shown} is read-only, because its metadata could not be written`, repair];
  if (status.mode === 'out_of_data_space') {
    return [
      `${shown} has no room left, and everything that writes to its volumes waits or fails`,
      `"lvextend -L +SIZE ${label}" makes it larger.`,
    ];
  }
  return undefined;
}
