/** What a backup counts while it reads. Bytes are those of content, holes included, unless said otherwise. */

import type { ListedFolder } from '../remembered/listed-folders.ts';

/** What follows from the listing and the parent: a second look at a tree counts it anew. */
export interface WalkCounts {
  filesNew: number;
  filesChanged: number;
  filesUnmodified: number;
  folders: number;
  others: number;
  /** Sizes of all files in the restore point. */
  bytesTotal: number;
}

export class TreeCounts implements WalkCounts {
  filesNew = 0;
  filesChanged = 0;
  filesUnmodified = 0;
  folders = 0;
  others = 0;
  bytesTotal = 0;
  /** Content that came from the host, without holes. */
  bytesRead = 0;
  /** Content of files that changed which did not come, because the parent has it. */
  bytesEqual = 0;
  /** What came over the connection for it. */
  bytesReceived = 0;
  /** For showing progress: what is finished, by having come or by being unchanged; it never goes back. */
  filesDone = 0;
  bytesDone = 0;

  /** All that is in a folder which is as it was. */
  addUnchanged({ entries, folders, files, bytes }: ListedFolder): void {
    this.folders += folders;
    this.others += entries - folders - files;
    this.filesUnmodified += files;
    this.filesDone += files;
    this.bytesTotal += bytes;
    this.bytesDone += bytes;
  }

  walked(): WalkCounts {
    const { filesNew, filesChanged, filesUnmodified, folders, others, bytesTotal } = this;
    return { filesNew, filesChanged, filesUnmodified, folders, others, bytesTotal };
  }

  resetWalked(to: WalkCounts): void {
    Object.assign(this, to);
  }
}
