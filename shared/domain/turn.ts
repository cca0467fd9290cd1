/**
 * What one run on a host has at a time: a database, a service, the storage of snapshots. Whoever comes while another run has it
 * waits for his turn, whichever client and whichever user that one is of.
 */
import { utcMinute } from '../base/clock.ts';

export interface Turn {
  /** By which all clients know it, a word of letters, digits and +_.:/=@,- only: "service:nginx". */
  readonly name: string;
  /** For people: the service "nginx". */
  readonly label: string;
}

/** A turn that another run has. What is told of that run is the word of another client: shown, and never acted upon. */
export interface TurnTaken {
  /** For people. */
  readonly what: string;
  /** Undefined where the host cannot say which one has it. */
  readonly run: string | undefined;
  /** "ada@laptop", as that client calls itself; empty where it does not say. */
  readonly by: string;
  /** For how long it has had it, by the host's uptime. */
  readonly heldMs: number;
}

/** So long a run waits for its turn, unless it is configured. */
export const DEFAULT_WAIT_SECONDS = 600;

/** @param what it is among those of the kind; bytes that are none of a word are written as "=XX" */
export function turnOf(kind: string, what: string, label: string): Turn {
  const bytes = Array.from(Buffer.from(what, 'utf8'), (byte) => String.fromCharCode(byte));
  const word = bytes.map((each) => (/[A-Za-z0-9+_.:/@,-]/.test(each) ? each : `=${hex(each)}`)).join('');
  return { name: `${kind}:${word}`, label };
}

const hex = (character: string): string => character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase();

/**
 * Of a service, a container ("container:NAME") or a project of docker compose ("compose:NAME").
 *
 * @param known by which the host knows it: the name of the unit itself, the project of the container; empty where it says none
 */
export function turnsOfService(name: string, known: string, label: string): readonly Turn[] {
  const [, kind, what = ''] = /^(compose|container):(.*)$/s.exec(name) ?? [];
  if (kind === undefined) return [turnOf('service', (known === '' ? name : known).replace(/\.service$/, ''), label)];
  // Who has all of a project has each of its containers.
  const project = kind === 'container' && known !== '' ? [turnOf('compose', known, label)] : [];
  return [turnOf(kind, what, label), ...project];
}

/** @param at when it was said: the clock by which "since" is reckoned */
export function turnWords({ what, run, by, heldMs }: TurnTaken, at: Date): string {
  const holder = run === undefined ? 'another run' : `run ${run}${by === '' ? '' : ` of ${by}`}`;
  const since = utcMinute(new Date(at.getTime() - heldMs).toISOString());
  return `${what} is held by ${holder} since ${since} (${lengthInWords(heldMs)})`;
}

function lengthInWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
