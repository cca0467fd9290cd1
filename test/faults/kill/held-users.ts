/**
 * Who is held up in the guest while a backup holds things still, and for how long by their own clocks: somebody who commits to the
 * database, somebody who waits for the person's own command, and somebody who waits for a service that is stopped. (The guest has
 * no D-Bus, by which systemd is told to pause something; `test/contract/storages/pause.test.ts` ends whoever pauses.)
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { QuiesceSpec } from '../../../shared/domain/quiesce.ts';
import type { Guest } from '../../lab/guest.ts';
import { startWriter } from '../../lab/living-writer.ts';

export const HELD_BY = ['database', 'command', 'service'] as const;
type HeldBy = (typeof HELD_BY)[number];

/** Of each kind the longest time, in seconds. */
export type Longest = Readonly<Record<HeldBy, number>>;

/** What a source says that holds all of them. The command comes last, so that everything is held when it runs. */
export const holdingAll = (
  seconds: number,
): { readonly stop: readonly string[]; readonly quiesce: readonly QuiesceSpec[] } => ({
  stop: ['shop'],
  quiesce: [
    { of: 'mariadb', seconds },
    {
      of: 'commands',
      name: 'notes',
      before: ['notes', 'hold'],
      after: ['notes', 'go-on'],
      check: ['notes', 'is-held'],
      seconds,
    },
  ],
});

/**
 * The command holds a file, writes down how long it was held, and hangs for as long as it is told to.
 */
const SETUP = `mkdir -p /run/lab
cat > /usr/local/sbin/notes <<'PROGRAM'
#!/bin/sh
read -r up idle < /proc/uptime
case $1 in
  hold) echo "$up" > /run/lab/held; while [ -e /run/lab/hang ]; do sleep 1; done ;;
  go-on) ! read -r since < /run/lab/held || { rm /run/lab/held; echo "command $since $up" >> /run/lab/waits; } 2>/dev/null ;;
  is-held) [ -e /run/lab/held ] ;;
esac
PROGRAM
chmod 755 /usr/local/sbin/notes
unit() { cat > "/etc/systemd/system/$1.service"; }
unit shop <<'UNIT'
[Service]
ExecStart=/bin/sleep infinity
ExecStartPost=/bin/sh -c 'read -r up idle < /proc/uptime; ! read -r since < /run/lab/stopped || { rm /run/lab/stopped; echo "service $since $up" >> /run/lab/waits; } 2>/dev/null'
ExecStop=/bin/sh -c 'read -r up idle < /proc/uptime; echo "$up" > /run/lab/stopped'
UNIT
systemctl daemon-reload; systemctl start shop`;

/** Says that nobody is held up any more; who wants to write to the database is asked for by the journal of the writer. */
const GO_ON = `[ "$(systemctl is-active shop)" = active ] && [ ! -e /run/lab/held ] && [ ! -e /run/lab/stopped ]`;
const JOURNAL = '/run/lab/journal';

export interface HeldUsers extends AsyncDisposable {
  /** Until when everything that is held hangs in the person's command: until it is told otherwise, or is ended. */
  hang(doesHang: boolean): Promise<void>;
  /** Whether everything is held at this moment. */
  isHeld(): Promise<boolean>;
  /** When all of them go on: how long each had to wait at the most since this was asked for the last time. */
  waits(withinMs: number): Promise<Longest>;
}

const never = new AbortController().signal;

/** The services and commands of a guest, and its database; nobody uses them yet. */
export function installWhatIsHeld(guest: Guest): Promise<string> {
  return guest.must(SETUP, { signal: never });
}

/** Who uses what `installWhatIsHeld` has installed. */
export async function startHeldUsers(guest: Guest): Promise<HeldUsers> {
  const writer = await startWriter(guest, { pauseMs: 200 }, never);
  let journalLines = 0;

  /** Not an answer while the guest's sshd is down. */
  const ask = async (script: string): Promise<string | undefined> => {
    const { code, stdout } = await guest.run(script, { signal: never }).catch(() => ({ code: 255, stdout: '' }));
    return code === 0 ? stdout : undefined;
  };

  return {
    async hang(doesHang) {
      await guest.must(doesHang ? 'touch /run/lab/hang' : 'rm -f /run/lab/hang', { signal: never });
    },
    isHeld: async () => (await ask('[ -e /run/lab/held ]')) !== undefined,
    async waits(withinMs) {
      const deadline = performance.now() + withinMs;
      while ((await ask(GO_ON)) === undefined) {
        if (performance.now() > deadline) throw new Error(`Somebody is held up for longer than ${withinMs} ms`);
        await delay(500);
      }
      // A commit that waited is in the journal when it has been let through.
      await writer.waitForOrders(2, AbortSignal.timeout(withinMs));
      const orders = `awk 'NR > ${journalLines} && $1 == "order" { if ($4 - $3 > most) most = $4 - $3 } END { printf "%d %.2f\\n", NR, most / 1e9 }' ${JOURNAL}`;
      const said = await guest.must(`${orders}; touch /run/lab/waits; cat /run/lab/waits; : > /run/lab/waits`, {
        signal: never,
      });
      const [first = '', ...lines] = said.trim().split('\n');
      const [count = '0', database = '0'] = first.split(' ');
      journalLines = Number(count);
      const longest: Record<HeldBy, number> = { database: Number(database), command: 0, service: 0 };
      for (const line of lines) {
        const [kind, since, until] = line.split(' ');
        const by = HELD_BY.find((each) => each === kind);
        if (by === undefined) throw new Error(`a wait in another form: ${line}`);
        longest[by] = Math.max(longest[by], Number((Number(until) - Number(since)).toFixed(2)));
      }
      return longest;
    },
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  };
}
