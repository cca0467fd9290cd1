import { z } from 'zod';
import { READ_REMOTE } from '../annotations.ts';
import { defineTool } from '../define-tool.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { scopeInput, scopeOf, scopeWords } from '../inputs.ts';
import { ANSWER_BYTES } from '../limits.ts';
import { jsonBytes, pageInput, pageOf, pageOutput } from '../paging.ts';
import { restorePointOf, restorePointShape, unreadableOf, unreadableShape } from '../shapes/restore-point.ts';

export const listRestorePoints = defineTool({
  name: 'list_restore_points',
  title: 'List restore points',
  description:
    'Lists the restore points in the repositories, newest first, with their consistency and size. Use it to see how old the last good backup is.',
  annotations: READ_REMOTE,
  input: z.strictObject({
    ...scopeInput,
    since: z.iso.datetime({ offset: true }).optional().describe('Only those at or after this instant, ISO 8601.'),
    ...pageInput,
  }),
  output: z.strictObject({
    restorePoints: z.array(restorePointShape).describe('Restore points.'),
    ...unreadableShape,
    unavailable: z
      .array(foreignText('A repository, and why it could not be asked.'))
      .describe('Repositories whose restore points are not in this list.'),
    ...pageOutput,
  }),
  personWords: (args) => ['list', ...scopeWords(args)],
  async run(args, { stillpoint, signal }) {
    const { restorePoints, unreadable, unavailable } = await stillpoint.listRestorePoints(scopeOf(args), signal);
    const since = args.since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(args.since);
    const points = restorePoints.filter((point) => Date.parse(point.time) >= since).map(restorePointOf);
    const damaged = {
      ...unreadableOf(unreadable),
      unavailable: unavailable.map(({ repository, reason }) => foreign(`${repository}: ${reason}`)),
    };
    const { entries, nextCursor } = pageOf(
      points,
      (point) => `${point.repository}/${point.restorePointId}`,
      args,
      ANSWER_BYTES - jsonBytes(damaged),
    );
    const warning =
      (unreadable.length === 0 ? '' : ` Cannot be read: ${unreadable.length}; a person should run check.`) +
      (unavailable.length === 0 ? '' : ` Repositories that could not be asked: ${unavailable.length}.`);
    return {
      summary: `Restore points: ${entries.length} of ${points.length}.${warning}`,
      ...nextStepAfter(entries.length, unavailable.length),
      structured: { restorePoints: entries, ...damaged, nextCursor },
    };
  },
});

/** Where nothing is missing and nothing was found there is none. */
function nextStepAfter(found: number, unavailable: number): { readonly nextStep?: string } {
  if (unavailable > 0) {
    return {
      nextStep: 'list_restore_points with the name of a repository that could not be asked says what to do about it.',
    };
  }
  return found === 0 ? {} : { nextStep: 'browse_files lists what is in one.' };
}
