/**
 * The port of a way to hold an application still while snapshots are taken. A hook freezes, proves and thaws; when, the
 * critical section of the run decides (`snapshot/critical-section.ts`).
 *
 * Invariants. What is going to be held is recorded on the host before it is, with the moment at which it must be let go;
 * letting go needs no more than that record, so it is also done by the watchman when the moment has come, and by every
 * sweep; it may be done twice, by two at the same time, and to what was never held. A hold counts only where it was
 * proved after the last instant: one that ended by itself in between is no hold.
 *
 * Crash story. The client, the connection or the section's shell dies while the application is held: the watchman lets it
 * go at the deadline. The watchman dies too: what the freeze started must end by itself at the deadline, which is among
 * its arguments. The host dies: nothing is held any more.
 */
import type { HoldGuarantee } from '../domain/consistency.ts';
import type { RunId } from '../domain/names.ts';
import type { SourceScope } from '../domain/source.ts';
import type { Turn } from '../domain/turn.ts';
import type { RemoteCommand } from '../remote/command.ts';
import type { Fragment } from '../remote/fragment.ts';
import type { Programs } from '../remote/programs.ts';

/** How the host itself lets go, composed into the scripts of the lease (`snapshot/host/`). */
export interface HoldFunctions {
  /** The word for this kind of hold in records: [a-z][a-z0-9-]*. */
  readonly kind: string;
  /**
   * POSIX sh that defines sp_KIND_thaw ID RUN ("-" of the kind is "_" in the name): lets go what this run holds, and nothing
   * that another one holds by now. Succeeds when nothing of it is held any more, also where nothing was. It prints nothing.
   */
  readonly script: string;
}

export interface Hook {
  readonly onHost: HoldFunctions;
  /** What its fragments call on the host, of every source that asks for it. */
  readonly programs: Programs;
  /**
   * Looks on the host for what a source wants held; undefined where it asks for nothing. What cannot be held is refused with
   * the plan, and not only in the run.
   */
  look?(source: SourceScope): RemoteCommand<HoldLook> | undefined;
  /** What it would hold for a source in this run; nothing where the source does not ask for it. */
  plan(source: SourceScope, run: RunId, reading: Reading): readonly PlannedHold[];
}

/** What a host says of what a source wants held, before anything is. */
export interface HoldLook {
  /** Why some of it cannot be held; a sentence each. */
  readonly lacks: readonly HoldLack[];
  /** Where it keeps what has to be in the restore point, absolute paths as the application names them. */
  readonly places: readonly HeldPlace[];
  /** For the hook itself. */
  readonly facts: Readonly<Record<string, string>>;
}

export interface HoldLack {
  readonly message: string;
  readonly advice: string;
}

export interface HeldPlace {
  /** For people: "the data of MariaDB". */
  readonly what: string;
  readonly path: Buffer;
  /** It may be there at the instant although it is not now, and has to be saved then. */
  readonly comesAndGoes?: boolean;
}

export const NOTHING_TO_SAY: HoldLook = { lacks: [], places: [], facts: {} };

/** How the source is going to be read. */
export interface Reading {
  /** Whether a part of it has no snapshot, so that what is to be still must be so until the last read. */
  readonly readsLive: boolean;
  /** What this hook saw, where it looked; its places are real paths then. */
  readonly look: HoldLook;
  /**
   * A word for each instant that a place is of, with the volumes that are mounted below it: those of one instant have the same.
   * "live" for what is read where it lies.
   */
  readonly instantsOf: (place: HeldPlace) => readonly string[];
}

/** What a hold proved, for the record: the position in a log, the version of the server. */
export type HoldRecord = Readonly<Record<string, string>>;

/** Instants, by the words of `Reading`, which an application makes one when it recovers. */
export interface JoinedInstants {
  readonly instants: readonly string[];
  /** That of its log: the snapshots of it are made after those of all others. */
  readonly last: string;
}

export interface PlannedHold {
  readonly kind: string;
  /** What is held, a word of letters, digits and +_.:/=@,- only. */
  readonly id: string;
  /** For people: "MariaDB at /run/mysqld/mysqld.sock". */
  readonly label: string;
  /** What no other run on the host may hold meanwhile, whoever it is of. */
  readonly turns: readonly Turn[];
  readonly guarantees: HoldGuarantee;
  /** Of one that recovers though its files are of several instants. */
  readonly joins?: JoinedInstants;
  /** What a person should know before it runs. */
  readonly risk?: string;
  /** Its position in what the source lists under "quiesce"; what has none begins before all of these. */
  readonly at?: number;
  /** Until all snapshots stand, or until the last byte was read. */
  readonly holds: 'until-snapshots' | 'until-read';
  /** At the latest so long after the freeze began, the host lets go by itself. */
  readonly deadlineSeconds: number;
  /** Ends when the application stands still; whatever it prints is lost. Where it fails, everything is let go again. */
  readonly freeze: Fragment<void>;
  /** Succeeds only where the application has been held all the time since the freeze ended. */
  readonly prove: Fragment<HoldRecord>;
}
