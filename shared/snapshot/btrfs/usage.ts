/** What `btrfs filesystem usage -b` and `btrfs subvolume show` of the top level say. */

export interface Usage {
  readonly sizeBytes: number;
  /** In no block group yet: what data and metadata may still take. */
  readonly unallocatedBytes: number;
  /** On devices that are not there. */
  readonly missingBytes: number;
  /** What can be written at least. */
  readonly freeBytes: number;
  /** Where it is mixed with data, both together. */
  readonly metadata: { readonly sizeBytes: number; readonly usedBytes: number; readonly isMixed: boolean };
}

/** Lines that are not known are passed over; those that count must be there once, in the form that all versions have. */
export function parseUsage(text: string): Usage {
  const overall = (title: string): number => {
    const [, value] = new RegExp(`^ {4}${title}:\\s+(\\d+)\\s*$`, 'm').exec(text) ?? [];
    if (value === undefined) throw new Error(`the usage does not say "${title}"`);
    return Number(value);
  };
  const [, least] = /^ {4}Free \(estimated\):\s+\d+\s+\(min: (\d+)\)\s*$/m.exec(text) ?? [];
  if (least === undefined) throw new Error('the usage does not say what is free');
  // Of each profile there is a line, where a conversion has not ended there are several.
  const groups = [...text.matchAll(/^(?:Metadata|Data\+Metadata), *[\w-]+: Size: *(\d+), Used: *(\d+)/gm)];
  if (groups.length === 0) throw new Error('the usage does not name the metadata');
  const sum = (field: number): number => groups.reduce((bytes, group) => bytes + Number(group[field]), 0);
  return {
    sizeBytes: overall('Device size'),
    unallocatedBytes: overall('Device unallocated'),
    missingBytes: overall('Device missing'),
    freeBytes: Number(least),
    metadata: { sizeBytes: sum(1), usedBytes: sum(2), isMixed: groups.some(([line]) => line.startsWith('Data+')) },
  };
}

/** The UUID of the top level; undefined where it has none, as in file systems that were made by early versions. */
export function parseTopLevel(text: string): string | undefined {
  const [, uuid] = /^\s+UUID:\s+([0-9a-f-]{36})\s*$/m.exec(text) ?? [];
  return uuid;
}
