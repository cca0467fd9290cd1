/**
 * Notices within five seconds that a guest's kernel has panicked or hangs.
 *
 * The sign of life is the console: the kernel's own messages first, then one line a second from a process that the
 * early user space starts. A machine under load must not be taken for a hang, so silence counts only while the guest
 * could have run: not while its processes wait for a processor or for this machine's disk. Silence is no verdict
 * either as long as the guest's sshd still greets.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { signOfLife } from './kernel/early-userspace.ts';
import { descendantsOf } from './process-tree.ts';

export interface WatchedGuest {
  readonly consoleLog: string;
  /** Whose descendants are the guest. */
  readonly pid: number;
  /** Whether the guest's sshd greets, asked when the console is silent. Settles within half a second; always no in a trial. */
  greets(): Promise<boolean>;
  /** Of silence in which the guest could have run, until it is taken for dead. */
  readonly hangMs: number;
}

export interface GuestWatch extends Disposable {
  /** Somebody stops the guest on purpose, or lets it run again. */
  pause(): void;
  resume(): void;
}

const lookMs = 200;
/** Two lines missed: from here on it is looked at what the guest's processes do. */
const suspiciousMs = 1800;

/** Calls `onFailure` once, with what befell the guest as the end of a sentence. */
export function watchGuest(guest: WatchedGuest, onFailure: (what: string) => void): GuestWatch {
  const stopped = new AbortController();
  let isPaused = false;
  const console = openConsole(guest.consoleLog);

  const watch = async (): Promise<void> => {
    let silentMs = 0;
    let chance = chanceOf(guest.pid);
    let lookedAt = performance.now();
    while (!stopped.signal.aborted) {
      await delay(lookMs, undefined, { signal: stopped.signal });
      const now = performance.now();
      const elapsed = now - lookedAt;
      lookedAt = now;
      const printed = console.readNew();
      const death = printed === '' ? undefined : findDeath(console.tail());
      if (death !== undefined) {
        onFailure(death);
        return;
      }
      if (printed !== '' || isPaused) silentMs = 0;
      // This process itself did not get to run: nothing is known about the time.
      else if (elapsed > 5 * lookMs) chance = chanceOf(guest.pid);
      else if (silentMs < suspiciousMs) {
        silentMs += elapsed;
        if (silentMs >= suspiciousMs) chance = chanceOf(guest.pid);
      } else silentMs += chance(elapsed);
      if (silentMs < guest.hangMs) continue;
      if (!(await guest.greets())) {
        stopped.signal.throwIfAborted();
        onFailure(`its kernel hangs: no sign of life for ${(silentMs / 1000).toFixed(1)} s`);
        return;
      }
      silentMs = 0;
    }
  };
  void watch()
    .catch((error: unknown) => {
      if (!stopped.signal.aborted) onFailure(`it can no longer be watched: ${String(error)}`);
    })
    .finally(() => console.close());

  return {
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
    },
    [Symbol.dispose]: () => stopped.abort(),
  };
}

/** What on the console says that the guest will never answer. */
const deaths: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/Kernel panic - not syncing: *(.*)/, 'its kernel panicked'],
  [/systemd\[1\]: (Freezing execution.*)/, 'its init froze'],
  [/lab: cannot go on: (.*)/, 'its first program gave up'],
];

function findDeath(text: string): string | undefined {
  for (const [pattern, what] of deaths) {
    const found = pattern.exec(text);
    if (found !== null) return `${what}: "${(found[1] ?? '').trim()}"`;
  }
  return undefined;
}

/** The last lines of a console that tell something, as a sentence. */
export function lastWords(consoleLog: string): string {
  let text: string;
  try {
    text = readFileSync(consoleLog, 'utf8');
  } catch {
    return 'Its console said nothing';
  }
  // Behind a panic comes a list of addresses that tells nothing.
  const panic = text.indexOf('Kernel panic');
  const end = panic < 0 ? text.length : text.indexOf('\n', panic) + 1 || text.length;
  const lines = text
    .slice(0, end)
    .replaceAll(signOfLife, '')
    .replaceAll(/^unshare: sigprocmask.*$/gm, '')
    .replaceAll(/\u001B\[[0-9;?]*[A-Za-z]|[^\P{Cc}\n]/gu, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const last = lines.slice(-4).join(' | ').slice(-1000);
  return last === '' ? 'Its console said nothing' : `The last lines of its console: ${last}`;
}

function openConsole(path: string): { readNew(): string; tail(): string; close(): void } {
  const file = openSync(path, 'a+');
  const buffer = Buffer.alloc(64 * 1024);
  let at = 0;
  let tail = '';
  return {
    readNew: () => {
      let text = '';
      for (;;) {
        const count = readSync(file, buffer, 0, buffer.length, at);
        at += count;
        text += buffer.toString('latin1', 0, count);
        if (count < buffer.length) break;
      }
      tail = (tail + text).slice(-4096 - text.length);
      return text;
    },
    tail: () => tail,
    close: () => closeSync(file),
  };
}

/**
 * A function that says how much of the time since it was last asked the processes below `pid` could have run: not that
 * in which they waited for a processor, of which a quarter counts all the same, because who spins always waits; and
 * none of it when one waits for a disk.
 */
function chanceOf(pid: number): (elapsedMs: number) => number {
  let before = waitedNs(pid);
  return (elapsedMs) => {
    const now = waitedNs(pid);
    const waitedMs = (now.ns - before.ns) / 1e6;
    before = now;
    return now.isUninterruptible ? 0 : Math.max(elapsedMs - waitedMs, elapsedMs / 4);
  };
}

/** How long the tasks below `pid` have waited for a processor in their lives, and whether one waits for a disk. */
function waitedNs(pid: number): { readonly ns: number; readonly isUninterruptible: boolean } {
  let ns = 0;
  let isUninterruptible = false;
  for (const process of descendantsOf(pid)) {
    try {
      for (const task of readdirSync(`/proc/${String(process)}/task`)) {
        const folder = `/proc/${String(process)}/task/${task}`;
        ns += Number(readFileSync(`${folder}/schedstat`, 'latin1').split(' ')[1]);
        const stat = readFileSync(`${folder}/stat`, 'latin1');
        isUninterruptible ||= stat.slice(stat.lastIndexOf(')') + 2).startsWith('D');
      }
    } catch {
      // It ended while it was looked at.
    }
  }
  return { ns, isUninterruptible };
}
