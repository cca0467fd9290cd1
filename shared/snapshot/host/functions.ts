/**
 * What a host must be able to do with a storage when none of us is there: the port between the lease and storages. It
 * is sh, because it runs on the host, in the watchman and in sweeps of later versions.
 */
import { invariant } from '../../base/errors.ts';
import type { HoldFunctions } from '../../quiesce/hook.ts';

export interface StorageFunctions {
  /** The word for this storage in records: [a-z][a-z0-9-]*. */
  readonly kind: string;
  /**
   * POSIX sh that defines three functions, in whose names "-" of the kind is "_". An ID names a snapshot, a PROOF
   * tells it from another one under the same name; both are words of letters, digits and +_.:/=@,- only.
   *
   * sp_KIND_list: prints what has the form of a name of ours, a line each: "object KIND RUN OWNER ID", with "-" for an
   * OWNER where our marks are missing. What looks like ours and cannot be looked at: "unread OBJECT". Where the list as
   * a whole cannot be had: "unread OBJECT", a tab, and what was said about it.
   *
   * sp_KIND_remove RUN OWNER ID [PROOF…]: removes one snapshot if it bears the marks of this run and owner, and the proofs
   * where they are given, and prints one line of "removed ID", "busy ID", "foreign ID", "merging ID", "alone ID" (its
   * origin is gone, so it may be all that is left of it), "needed ID" (something was made of it that needs it) or "unread
   * ID". Prints nothing where it was gone. Succeeds when nothing of ours has that name any more. May run twice at the same
   * time.
   *
   * sp_KIND_guard ID PROOF…: looks at one snapshot and lets it grow where it can. Prints "fill USED TOTAL" in bytes,
   * "fine" where it has no room of its own, or "fine WHERE WHAT USED LIMIT" where what it shares with its origin is a threat at
   * the limit, "full" where it overflowed, "threat WHERE WHAT USED TOTAL" where it has to go
   * before its origin suffers, and anything else where it is not the snapshot that was made: what is read from it may
   * then no longer be believed. WHERE names what it shares with its origin, WHAT is what runs out there, in bytes, or the
   * state that it is in, with 0 and 0; both are words. It removes nothing itself: that is the watchman's, who stops the
   * readers, notes the reason, and has all snapshots of the run removed.
   */
  readonly script: string;
  /**
   * For who only looks: POSIX sh, beside the other, that defines sp_KIND_foresee RUN OWNER ID [PROOF…]. It prints the line that
   * sp_KIND_remove would, if all that it tries succeeds, and has no program in it that changes anything.
   */
  readonly foresee: string;
}

/** Everything that the scripts of a lease are composed of. */
export interface HostFunctions {
  readonly storages: readonly StorageFunctions[];
  readonly holds: readonly HoldFunctions[];
}

/** The definitions of all, each once. */
export function definitions({ storages, holds }: HostFunctions): string {
  return [...new Set([...storages, ...holds].map(({ script }) => script))].join('\n');
}

/** A `case` of sh over the kinds, each calling its function of this name with the arguments after the kind. */
export function dispatch(verb: string, functions: readonly { readonly kind: string }[], otherwise: string): string {
  const branches = functions.map(({ kind }) => `${kind}) shift; ${functionName(kind, verb)} "$@" ;;`);
  return `case $1 in\n    ${[...branches, `*) ${otherwise} ;;`].join('\n    ')}\n  esac`;
}

export function functionName(kind: string, verb: string): string {
  invariant(/^[a-z][a-z0-9-]*$/.test(kind), 'a kind is a word in kebab-case');
  return `sp_${kind.replaceAll('-', '_')}_${verb}`;
}
