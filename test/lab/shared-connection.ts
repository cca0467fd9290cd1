/**
 * One connection for the lab's own commands on a guest, where a login takes half a second. It is an accelerator and no
 * more: while it is not there, because it is being opened or because a test has killed the guest's sshd, each command
 * logs in by itself. The product's connections never go through it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { descendantsOf, killIfAlive } from './process-tree.ts';

/** A guest without an sshd is not asked more often. */
const pauseMs = 2000;

export class SharedConnection implements AsyncDisposable {
  readonly #configFile: string;
  readonly #alias: string;
  readonly #socket: string;
  #master: ChildProcess | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;

  constructor(target: { readonly configFile: string; readonly alias: string }, directory: string) {
    this.#configFile = target.configFile;
    this.#alias = target.alias;
    this.#socket = join(directory, 'shared');
  }

  /** Options of ssh(1) that go through the connection where it is there; opens it where it is not. */
  options(): readonly string[] {
    if (this.#master === undefined && performance.now() - this.#startedAt > pauseMs) this.#open();
    return ['-o', 'ControlMaster=no', '-o', `ControlPath=${this.#socket}`];
  }

  #open(): void {
    this.#startedAt = performance.now();
    const options = ['-o', 'BatchMode=yes', '-o', 'ControlMaster=yes', '-o', `ControlPath=${this.#socket}`];
    // Dies with this process, as the guest does.
    const words = ['--pdeathsig', 'KILL', 'ssh', '-F', this.#configFile, '-N', '-T', ...options, this.#alias];
    const master = spawn('setpriv', words, { stdio: 'ignore' });
    this.#master = master;
    const gone = (): void => {
      if (this.#master === master) this.#master = undefined;
    };
    master.on('exit', gone).on('error', gone);
  }

  /** Before the guest goes: the connection would wait for it for ever. */
  async [Symbol.asyncDispose](): Promise<void> {
    const master = this.#master;
    this.#master = undefined;
    if (master?.pid !== undefined && master.exitCode === null && master.signalCode === null) {
      const ended = once(master, 'exit');
      for (const pid of [...descendantsOf(master.pid), master.pid]) killIfAlive(pid);
      await ended;
    }
    await rm(this.#socket, { force: true });
  }
}
