/**
 * Cuts on a host, by construction: every call of a program that a provider or a hook names can be the one before or
 * after which the whole session that made it is killed, as by the kernel when memory is short. Programs are counted by
 * stand-ins that are found first; what they stand for is called by its full path.
 */
export interface Shell {
  /** Runs sh on the host as root, in a session of its own; a failure is an error. */
  sh(script: string): Promise<string>;
}

export interface Cut {
  /** Which call, counted from 1. */
  readonly call: number;
  readonly when: 'before' | 'after';
}

const FOLDER = '/usr/local/sbin';
const STATE = '/run/stand-ins';

export class CuttingPrograms {
  readonly #host: Shell;
  readonly #programs: readonly string[];

  /** @param programs names, as in `Programs` */
  constructor(host: Shell, programs: readonly string[]) {
    this.#host = host;
    this.#programs = programs;
  }

  /** Counts what is called while `work` runs. */
  async count(work: () => Promise<unknown>): Promise<number> {
    await this.#begin('0 never');
    await work();
    return Number(await this.#end('cat calls'));
  }

  /** Throws where the cut never happened: it proves nothing then. */
  async cut(cut: Cut, work: () => Promise<unknown>): Promise<void> {
    const calls = await this.callsUncut(cut, work);
    if (calls !== undefined) throw new Error(`The cut ${cut.when} call ${cut.call} of ${calls} never happened.`);
  }

  /** How many calls there were, where the cut did not happen: how often something is called may be a matter of time. */
  async callsUncut({ call, when }: Cut, work: () => Promise<unknown>): Promise<number | undefined> {
    await this.#begin(`${call} ${when}`);
    await work();
    const calls = await this.#end('[ -e fired ] || cat calls');
    return calls === '' ? undefined : Number(calls);
  }

  async #begin(order: string): Promise<void> {
    const stubs = this.#programs.map(
      (program) => `real=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v ${program})
sed "s|@REAL@|$real|" ${STATE}/stub > ${FOLDER}/${program}; chmod 755 ${FOLDER}/${program}`,
    );
    await this.#host.sh(`PATH=/usr/sbin:/usr/bin:/sbin:/bin; mkdir -p ${STATE}; cd ${STATE}; rm -f fired; echo 0 > calls; echo ${order} > order
cat > stub <<'END_OF_STUB'
${STUB}END_OF_STUB
${stubs.join('\n')}`);
  }

  /** Also while cut sessions still end. */
  async #end(ask: string): Promise<string> {
    const answer = await this.#host.sh(`cd ${STATE}; ${ask}`);
    await this.#host.sh(
      `PATH=/usr/sbin:/usr/bin:/sbin:/bin; rm -rf ${STATE}; cd ${FOLDER}; rm -f ${this.#programs.join(' ')}`,
    );
    return answer.trim();
  }
}

/** The session is the sixth field of stat(5) of proc; the name before it may hold anything but a newline. */
const STUB = String.raw`#!/bin/sh
was=$PWD
cd ${STATE} 2>/dev/null || exec @REAL@ "$@"
session_of() { /bin/sed 's/^.*) . [0-9-]* [0-9-]* \([0-9-]*\) .*/\1/' "/proc/$1/stat" 2>/dev/null; }
own=$(session_of $$)
# A watchman looks after his run when he likes; his calls are no steps.
if /usr/bin/tr '\0' ' ' 2>/dev/null < "/proc/$own/cmdline" | /bin/grep -q 'watch.sh watch'; then cd "$was" || cd /; exec @REAL@ "$@"; fi
call=$(($(/bin/cat calls) + 1)); echo "$call" > calls
read -r at when < order
kill_session() {
  echo "$call" > fired
  for each in /proc/[0-9]*; do
    pid=${'$'}{each#/proc/}
    [ "$pid" = $$ ] || [ "$(session_of "$pid")" != "$own" ] || kill -KILL "$pid" 2>/dev/null
  done
  kill -KILL $$
}
[ "$call $when" != "$at before" ] || kill_session
cd "$was" || cd /
@REAL@ "$@"
code=$?
[ "$call $when" != "$at after" ] || ! cd ${STATE} || kill_session
exit $code
`;
