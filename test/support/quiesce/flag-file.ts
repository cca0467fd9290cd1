/**
 * A hook that holds nothing but a flag: a file that says which run holds it. It exists to prove that the port of
 * hooks is not made for one application only, and is as trivial as a hook can be.
 */
import { turnOf } from '../../../shared/domain/turn.ts';
import type { HoldFunctions, Hook, PlannedHold } from '../../../shared/quiesce/hook.ts';

export interface FlagTerms {
  readonly path: string;
  readonly guarantees?: PlannedHold['guarantees'];
  readonly holds?: PlannedHold['holds'];
  readonly deadlineSeconds?: number;
}

const onHost: HoldFunctions = {
  kind: 'flag-file',
  script: `
# Another run may hold it by now.
sp_flag_file_thaw() {
  { read -r sp_who < "$1"; } 2>/dev/null && [ "$sp_who" != "$2" ] || rm -f "$1"
}`,
};

/** @param terms of each flag; a source asks for all of them */
export function flagFile(...terms: readonly FlagTerms[]): Hook {
  return {
    onHost,
    programs: { coreutils: 'rm' },
    plan: (_source, run) => terms.map((each) => holdOf(each, run)),
  };
}

function holdOf(
  { path, guarantees = 'application', holds = 'until-snapshots', deadlineSeconds = 30 }: FlagTerms,
  run: string,
): PlannedHold {
  return {
    ...{ kind: 'flag-file', id: path, label: `the flag ${path}`, guarantees, holds, deadlineSeconds },
    turns: [turnOf('flag-file', path, `the flag ${path}`)],
    freeze: {
      name: 'set-flag',
      script: `
[ ! -e "$1" ] || exit 83
echo "$2" > "$1"
# Nobody may be left who lets go: then it ends by itself, and no hold of a later run with it.
# In a session of its own, which a signal to ours does not reach.
setsid /bin/sh -c 'while read -r who < "$1" && [ "$who" = "$2" ]; do
  [ "$3" -gt 0 ] || rm -f "$1"
  sleep 1
  set -- "$1" "$2" $(($3 - 1))
done' sh "$@" </dev/null >/dev/null 2>&1 &`,
      args: [path, run, String(deadlineSeconds)],
      fields: 0,
      parse: () => undefined,
    },
    prove: {
      name: 'read-flag',
      script: `read -r who < "$1" && [ "$who" = "$2" ]`,
      args: [path, run],
      fields: 0,
      parse: () => ({}),
    },
  };
}
