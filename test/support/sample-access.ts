/** Examples of keys and locks. */
import type { RepositoryKey, UnlockReport } from '../../shared/domain/repository-access.ts';

export const sampleKeys: readonly RepositoryKey[] = [
  { id: '1a'.repeat(32), username: 'ann', hostname: 'laptop', created: '2026-01-02T03:04:05.000Z', inUse: true },
  { id: '2b'.repeat(32), username: 'root', hostname: 'nas', created: '2026-06-07T08:09:10.000Z', inUse: false },
];

export const sampleUnlock: UnlockReport = {
  removed: [
    {
      id: '3c'.repeat(32),
      owner: {
        id: '3c'.repeat(32),
        time: '2026-11-20T02:00:00.000Z',
        exclusive: true,
        hostname: 'old-nas',
        username: 'root',
        pid: 4711,
      },
      reason: 'it was not renewed for 4514 minutes',
    },
  ],
  kept: [
    {
      id: '4d'.repeat(32),
      owner: undefined,
      reason: 'it cannot be read, so its owner is unknown: The file of lock 4d4d4d4d is damaged.',
    },
  ],
};
