import { z } from 'zod';
import type { FileListing } from '../../shared/domain/restore-point.ts';
import { WHOLENESS_STATES } from '../../shared/domain/wholeness.ts';
import type { BrowseRequest, Stillpoint } from '../../shared/stillpoint.ts';
import { READ_REMOTE } from '../annotations.ts';
import { defineTool } from '../define-tool.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { scopeInput, scopeOf, scopeWords } from '../inputs.ts';
import { ANSWER_BYTES } from '../limits.ts';
import { jsonBytes, pageInput, pageOutput } from '../paging.ts';
import { fileOf, fileShape, gapsOf } from '../shapes/restore-point.ts';

export const browseFiles = defineTool({
  name: 'browse_files',
  title: 'Browse files of a restore point',
  description:
    'Lists the entries of one folder in a restore point: names, types, sizes, owners, times. It never returns what is in a file.',
  annotations: READ_REMOTE,
  input: z.strictObject({
    restorePointId: z.string().min(4).max(64).describe('Id of a restore point, the start of one, or "latest".'),
    ...scopeInput,
    path: z
      .string()
      .startsWith('/')
      .max(16_384)
      .default('/')
      .describe('A folder in it: "/" and names as shown by this tool, joined by "/".'),
    ...pageInput,
  }),
  output: z.strictObject({
    restorePointId: z.string().describe('Full id of the restore point.'),
    repository: z.string().describe('The repository that holds it.'),
    notes: z
      .array(foreignText('What to know of the choice.'))
      .describe('Which one "latest" is; what could not be asked.'),
    content: z.enum(WHOLENESS_STATES).describe('Whether all of the source is in it, as far as was recorded.'),
    gaps: foreignText('What is missing in the restore point.').nullable(),
    path: foreignText('The folder.'),
    entries: z.array(fileShape).describe('Its entries.'),
    ...pageOutput,
  }),
  personWords: (args) => ['ls', args.restorePointId, args.path, ...scopeWords(args)],
  async run(args, { stillpoint, signal }) {
    const { point, notes } = await stillpoint.findRestorePoint(scopeOf(args), args.restorePointId, signal);
    const listing = await browseWithin(
      stillpoint,
      {
        repository: point.repository,
        restorePoint: point.id,
        path: args.path,
        limit: args.limit,
        ...(args.cursor === undefined ? {} : { cursor: args.cursor }),
      },
      signal,
    );
    return {
      nextStep: 'To get files back, a person runs "stillpoint restore" in a terminal.',
      summary: `Entries: ${listing.entries.length}${listing.nextCursor === undefined ? '' : ', and there are more'}.`,
      structured: {
        restorePointId: point.id,
        repository: point.repository,
        notes: notes.map(({ message }) => foreign(message)),
        content: listing.wholeness.state,
        gaps: gapsOf(listing.wholeness),
        path: foreign(listing.path),
        entries: listing.entries.map(fileOf),
        nextCursor: listing.nextCursor ?? null,
      },
    };
  },
});

/** The cursor belongs to the repository, so a page that is too large is asked for again, smaller. */
async function browseWithin(
  stillpoint: Stillpoint,
  request: BrowseRequest & { readonly limit: number },
  signal: AbortSignal,
): Promise<FileListing> {
  let { limit } = request;
  for (;;) {
    const listing = await stillpoint.browse({ ...request, limit }, signal);
    if (limit === 1 || jsonBytes(listing.entries.map(fileOf)) <= ANSWER_BYTES) return listing;
    limit = Math.ceil(limit / 2);
  }
}
