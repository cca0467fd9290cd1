/** What a run says of what it has read, wherever it is kept: in a restore point, or beside an archive or a mirror. */
import { displayName } from '../../base/bytes.ts';
import type { Consistency } from '../../domain/consistency.ts';
import { consistencyTag, PROGRAM_TAG, sourceTag } from '../../domain/labels.ts';
import { contentsOf } from '../../domain/source.ts';
import { PARTIAL_TAG, unreadableFacts } from '../../domain/wholeness.ts';
import type { RestorePointDraft } from '../../repository/restore-point.ts';
import { clockFacts } from './host-clock.ts';
import { lackingAttributes } from './parent.ts';
import type { CommitContext } from './sink.ts';

export function pointDraft(
  { request: { source }, read: { omissions, tree }, evidence, run, instant }: CommitContext,
  consistency: Consistency,
  skewMs: number,
): RestorePointDraft {
  const { missing, missingCount, attributesMissing } = omissions;
  return {
    // The instant that the files show, not the time at which reading them was done.
    time: instant.time,
    tree,
    paths: contentsOf(source).map(displayName),
    hostname: source.host,
    ...(source.exclude.length === 0 ? {} : { excludes: source.exclude }),
    tags: [
      ...[PROGRAM_TAG, sourceTag(source.name), consistencyTag(consistency)],
      ...(missingCount === 0 ? [] : [PARTIAL_TAG]),
    ],
    programVersion: 'stillpoint 0.1.0',
    extra: {
      stillpoint: {
        run,
        consistency,
        skewMs,
        volumes: evidence.instants.map(({ volume }) => volume),
        evidence,
        ...clockFacts(instant),
        ...(missingCount === 0 ? {} : unreadableFacts(missing, missingCount)),
        ...(attributesMissing ? lackingAttributes : {}),
      },
    },
  };
}
