/** Guests that cannot live: each is noticed, ended, and reported in a sentence that says what happened. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startGuest } from '../lab/guest.ts';
import { startGuestProcess } from '../lab/guest-process.ts';
import { chooseKernel } from '../lab/kernel/choose-kernel.ts';
import type { Launch, PreparedKernel } from '../lab/kernel/guest-kernel.ts';
import { installedUserModeLinux } from '../lab/kernel/user-mode-linux.ts';
import { commandLineOf, descendantsOf, killIfAlive } from '../lab/process-tree.ts';
import { guestMark } from '../lab/processor.ts';
import { silentProgress } from '../lab/progress.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { goOnWith } from '../support/needing.ts';
import { processesNaming } from '../support/processes-naming.ts';
import { NO_RESTIC } from '../support/restic.ts';

const obstacle = await reasonLabCannotRun();
let folder: string;

beforeEach(async ({ skip }) => {
  skip(obstacle !== undefined, obstacle);
  folder = await mkdtemp(join(tmpdir(), 'lab-failures-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  if (obstacle === undefined) await rm(folder, { recursive: true });
});

/** `kernel` started in another way. */
function changed(kernel: PreparedKernel, change: (launch: Launch) => Launch): PreparedKernel {
  return { ...kernel, launch: async (machine) => change(await kernel.launch(machine)) };
}

/** `command` in place of the kernel. */
function replaced(kernel: PreparedKernel, command: readonly string[]): PreparedKernel {
  return changed(kernel, () => ({ command, environment: {}, workingDirectory: '/' }));
}

/** Starts `kernel` without a disk; how the guest ended, which it has to do by itself. */
async function howItEnds(
  kernel: PreparedKernel,
  signal: AbortSignal,
  disturb?: (pid: number) => void,
): Promise<string> {
  const guest = await startGuestProcess({ kernel, directory: folder, disks: [], memoryMiB: 256 }, signal);
  try {
    disturb?.(guest.pid);
    await guest.waitForEnd(signal);
    return (guest.endedSignal.reason as Error).message;
  } finally {
    await guest.kill();
  }
}

/** The silence that was found too long, of which only time counts in which the guest could have run. */
function silenceIn(message: string): number {
  return Number(/no sign of life for ([\d.]+) s/.exec(message)?.[1]);
}

describe('a kernel', () => {
  let works: PreparedKernel;

  beforeEach(async ({ signal }) => {
    works = await chooseKernel({ progress: silentProgress, signal });
  });

  it('that panics is reported with its last words', async ({ signal }) => {
    const panics = changed(works, (launch) => ({ ...launch, command: [...launch.command, 'rdinit=/nonexistent'] }));
    const message = await howItEnds(panics, signal);
    expect(message).toMatch(
      /^The guest has ended: its kernel panicked: "[^"]+"\. The last lines of its console: .*Kernel panic/,
    );
    expect(message).not.toContain('\n');
  });

  it('of Debian 12 that panics on a processor with AMX is reported with its last words', async ({ signal, skip }) => {
    const processor = await readFile('/proc/cpuinfo', 'utf8');
    skip(!processor.includes('amx_tile'), 'this processor has no AMX');
    const installed = await installedUserModeLinux.prepare(signal);
    skip(!installed.release.startsWith('6.'), `User-Mode Linux ${installed.release} is not known to panic`);
    const message = await howItEnds(installed, signal);
    expect(message).toContain('its kernel panicked: "Attempted to kill init!');
    expect(message).toContain('ptrace set fp regs failed');
  });

  it.each([
    ['at once', ['false'], 'code 1'],
    [
      'with a complaint',
      ['sh', '-c', 'echo no memory here >&2; exit 3'],
      'code 3. The last lines of its console: no memory here',
    ],
    ['because it is not there', ['/nonexistent/linux'], 'code 127. The last lines of its console: env: '],
  ])('that exits %s is reported with its code', async (_how, command, told) => {
    const signal = AbortSignal.timeout(60_000);
    const message = await howItEnds(replaced(works, command), signal);
    expect(message).toContain(`The guest has ended: its kernel's program ended with ${told}`);
  });

  it.each([
    ['sleeps', ['sleep', '300'], 'Its console said nothing'],
    ['spins', ['sh', '-c', 'echo booting; while :; do :; done'], 'The last lines of its console: booting'],
  ])('that %s without a word is reported as one that hangs', async (_how, command, console) => {
    const signal = AbortSignal.timeout(60_000);
    const message = await howItEnds(replaced(works, command), signal);
    expect(message).toContain('The guest has ended: its kernel hangs: no sign of life for');
    expect(message).toContain(console);
    expect(silenceIn(message)).toBeLessThan(4.5);
  });

  it('that is slow but prints is no kernel that hangs', async () => {
    const slow = replaced(works, ['sh', '-c', 'for i in 1 2 3 4 5; do echo $i; sleep 1.5; done; exit 7']);
    expect(await howItEnds(slow, AbortSignal.timeout(60_000))).toContain('ended with code 7');
  });
});

describe('a guest that has booted', () => {
  it('and then hangs is reported, and whoever waits for it learns it', async ({ signal }) => {
    await using guest = await startGuest({}, signal);
    const waiting = howItFails(guest.run('sleep 300', { signal }));
    stopKernelOf(guest.directory);
    const message = await waiting;
    expect(message).toContain('The guest has ended: its kernel hangs: no sign of life for');
    expect(silenceIn(message)).toBeLessThan(4.5);
    await expect(guest.run('true', { signal })).rejects.toThrow('its kernel hangs');
  });

  it('and then panics is reported, and whoever waits for it learns it', async ({ signal }) => {
    await using guest = await startGuest({}, signal);
    const waiting = howItFails(guest.run('sleep 300', { signal }));
    await guest.run('echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger', { signal }).catch(() => undefined);
    expect(await waiting).toContain('The guest has ended: its kernel panicked: "sysrq triggered crash"');
  });
});

it('a demo that is interrupted in the middle of a backup leaves nothing behind', async ({ signal }) => {
  goOnWith(NO_RESTIC);
  const demo = execa(process.execPath, [join(import.meta.dirname, '../demo/main.ts')], { reject: false, all: true });
  const { pid = 0 } = demo;
  await using _killed = { [Symbol.asyncDispose]: async () => void demo.kill('SIGKILL') };
  for await (const line of demo.iterable({ from: 'all' })) {
    if (/^ +connect, /.test(line)) demo.kill('SIGINT');
  }
  signal.throwIfAborted();
  const { exitCode, all } = await demo;
  expect(all).toContain('The demo did not come to its end: Interrupted');
  expect(exitCode).toBe(130);
  const mark = `stillpoint-lab-${String(pid)}-`;
  expect(processesNaming(mark)).toEqual([]);
  expect((await readdir(tmpdir())).filter((name) => name.startsWith(mark))).toEqual([]);
});

describe('where no guest can start', () => {
  it('the first test finds out, and the others of the run say why at once', async ({ signal }) => {
    const kernel = join(folder, 'bin', 'kernel');
    await mkdir(join(folder, 'bin'));
    await mkdir(join(folder, 'lib/uml/modules/1.0'), { recursive: true });
    const counted = join(folder, 'count');
    await writeFile(kernel, `#!/bin/sh\necho started >>${counted}\necho this machine is no good\nexit 1\n`, {
      mode: 0o755,
    });
    vi.stubEnv('STILLPOINT_LAB_KERNEL', kernel);
    vi.stubEnv('STILLPOINT_LAB_RUN', join(folder, 'run'));
    await expect(startGuest({}, signal)).rejects.toThrow(
      /^No kernel for guests runs on this machine\. .*ended with code 1\. The last lines of its console: this machine is no good$/,
    );
    await expect(startGuest({}, signal)).rejects.toThrow(
      /^No guest starts in this run of tests, as an earlier one found: No kernel .*: this machine is no good$/,
    );
    expect(await readFile(counted, 'utf8')).toBe('started\n');
  });
});

async function howItFails(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'it did not fail',
    (error: unknown) => (error as Error).message,
  );
}

/** Stops the guest's kernel behind the lab's back. */
function stopKernelOf(directory: string): void {
  const mark = guestMark(directory);
  for (const pid of descendantsOf(process.pid)) {
    const words = commandLineOf(pid);
    if (words[0] === 'unshare' && words.includes(mark))
      for (const inside of descendantsOf(pid)) killIfAlive(inside, 'SIGSTOP');
  }
}
