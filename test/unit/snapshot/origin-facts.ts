/** A volume that can be an origin, and what may be wrong with one. */
import type { SnapshotCapability } from '../../../shared/domain/host.ts';
import { snapshotCapability } from '../../../shared/snapshot/lvm/origin.ts';
import type { OriginFacts } from '../../../shared/snapshot/lvm/origin-facts.ts';
import { guestGroups, guestVolumes, noLimits, poolsWith, volumeCalled } from './fixtures.ts';

const originFacts = (more: Partial<OriginFacts> = {}): OriginFacts => ({
  volume: volumeCalled('files'),
  volumes: guestVolumes(),
  group: guestGroups()[0],
  limits: noLimits,
  pools: poolsWith('273/16384'),
  mount: { fsType: 'xfs', superOptions: ['rw', 'attr2', 'inode64', 'logbufs=8', 'logbsize=32k', 'noquota'] },
  hasExternalJournal: false,
  ...more,
});

export const judge = (more: Partial<OriginFacts> = {}): SnapshotCapability => snapshotCapability(originFacts(more));

/** "possible", or the reason and the remedy in one text. */
export function verdict(more: Partial<OriginFacts>): string {
  const answer = judge(more);
  return answer.possible ? 'possible' : `${answer.reason} / ${answer.remedy}`;
}
