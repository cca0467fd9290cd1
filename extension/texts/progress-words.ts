/** How far a phase is, as a share and in words. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { Progress } from '../../shared/domain/events.ts';
import type { Translate } from './wording.ts';

/** Done parts of a hundred, or undefined where the whole is not known. A phase that is still running is not done: 99 at most. */
export function percentDone(progress: Progress): number | undefined {
  const { bytesDone, bytesTotal, filesDone, filesTotal } = progress;
  if (bytesTotal !== undefined && bytesTotal > 0) return Math.min(99, Math.floor((bytesDone / bytesTotal) * 100));
  if (filesTotal !== undefined && filesTotal > 0) return Math.min(99, Math.floor((filesDone / filesTotal) * 100));
  return undefined;
}

/** "12 of 400 files, 3.0 MiB of 1.2 GiB". */
export function progressWords(progress: Progress, t: Translate): string {
  const files =
    progress.filesTotal === undefined
      ? t('{0} files', progress.filesDone)
      : t('{0} of {1} files', progress.filesDone, progress.filesTotal);
  const bytes =
    progress.bytesTotal === undefined
      ? formatBytes(progress.bytesDone)
      : t('{0} of {1}', formatBytes(progress.bytesDone), formatBytes(progress.bytesTotal));
  return `${files}, ${bytes}`;
}
