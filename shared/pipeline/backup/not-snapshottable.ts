/** What is said of a path of which no snapshot can be made. */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { SnapshotCapability } from '../../domain/host.ts';

interface Asked {
  readonly host: string;
  /** As it was written; undefined where it lies below what was. */
  readonly asked: Buffer | undefined;
  readonly isKept: boolean | undefined;
  /** Whether reading it live would help. */
  readonly mayHelp: boolean;
}

export function notSnapshottable(
  path: Buffer,
  { reason, remedy }: Extract<SnapshotCapability, { readonly possible: false }>,
  { host, asked, isKept = false, mayHelp }: Asked,
): StillpointError {
  const otherwise = isKept ? leaveOutOfKept(asked) : `${mayHelp ? `${READ_LIVE} ` : ''}${leaveOut(asked)}`;
  return new StillpointError(
    'host.path-not-snapshottable',
    `${named(path, asked)} on "${host}" cannot be snapshotted: ${reason}.`,
    { advice: `${remedy} ${otherwise}`, details: { path: displayName(path), host }, cause: undefined },
  );
}

const READ_LIVE = 'Or set "withoutSnapshot" of the source to "read-live", to read it while it may be changing.';

const leaveOut = (asked: Buffer | undefined): string =>
  `What need not be saved can be ${asked === undefined ? 'named under "exclude"' : 'taken out of "paths"'} of the source.`;

const leaveOutOfKept = (asked: Buffer | undefined): string =>
  asked === undefined
    ? 'Otherwise keep the paths beside it one by one, or a source that has it under "exclude".'
    : 'Otherwise leave this path out of what is to be kept.';

/** By the name that stands in the configuration, and where that leads. */
const named = (path: Buffer, asked: Buffer | undefined): string =>
  asked === undefined || asked.equals(path)
    ? `"${displayName(path)}"`
    : `"${displayName(asked)}" (it leads to "${displayName(path)}")`;
