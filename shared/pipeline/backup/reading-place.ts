/**
 * Where a tree is read: in the namespace in which the snapshots of a run are mounted, as root; or where it lies, with
 * the rights that we have there. What is run at either place is the same.
 */
import { invariant } from '../../base/errors.ts';
import type { RunId } from '../../domain/names.ts';
import type { RemoteScript } from '../../remote/command.ts';
import { ENTER } from '../../snapshot/host/namespace.ts';

export type ReadingPlace =
  | {
      readonly kind: 'snapshot';
      readonly run: RunId;
      /** Where the snapshot is mounted in the namespace. */
      readonly top: string;
    }
  | { readonly kind: 'live'; readonly top: '/' };

export const LIVE: ReadingPlace = { kind: 'live', top: '/' };

/** @param script POSIX sh without a single quote */
export function scriptAt(
  place: ReadingPlace,
  { name, script, args }: Pick<RemoteScript, 'name' | 'script' | 'args'>,
): RemoteScript {
  if (place.kind === 'live') return { name, script, args, needs: 'either' };
  invariant(!script.includes("'"), 'a script for the namespace has no single quote');
  return {
    name,
    script: `${ENTER}
run=$1
shift
sp_enter "$run" /bin/sh -c '${script}' sh "$@"`,
    args: [place.run, ...args],
    needs: 'root',
  };
}
