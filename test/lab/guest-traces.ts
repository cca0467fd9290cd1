/**
 * What a backup may have left in a guest, and whether the guest still takes writes: the two questions that every
 * fault test asks last.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunResult } from './open-ssh.ts';

/**
 * `volume` an LV or tag, `device` a device-mapper device, `suspended` any suspended device, `mount` in any mount
 * namespace, `file`, `process` (named, holding a file of ours, or outliving its ssh session), `unit` of systemd.
 */
type TraceKind = 'volume' | 'device' | 'suspended' | 'mount' | 'file' | 'process' | 'unit';

export interface Trace {
  readonly kind: TraceKind;
  readonly description: string;
}

/** Whether a write to `target` (a mount point, or `database`) came back in time. */
export interface WriteProbe {
  readonly target: string;
  readonly isAccepted: boolean;
}

type Run = (script: string, options: { readonly signal: AbortSignal }) => Promise<RunResult>;

/** Everything in the guest that a backup could have left; empty when it is as we found it. */
export async function findTraces(run: Run, signal: AbortSignal): Promise<readonly Trace[]> {
  return (await runPerl(run, 'traces.pl', [], signal)).map(([kind = '', description = '']) => ({
    kind: kind as TraceKind,
    description,
  }));
}

/** Tries a write on each writable file system and in the database, waiting at most `seconds` for all of them. */
export async function probeWrites(run: Run, seconds: number, signal: AbortSignal): Promise<readonly WriteProbe[]> {
  return (await runPerl(run, 'freeze-state.pl', [String(seconds)], signal)).map(([target = '', answer = '']) => ({
    target,
    isAccepted: answer === 'yes',
  }));
}

/** Runs a Perl program of `guest/` and splits its output into lines and tab-separated fields. */
async function runPerl(run: Run, name: string, args: readonly string[], signal: AbortSignal): Promise<string[][]> {
  const program = await readFile(join(import.meta.dirname, 'guest', name), 'utf8');
  const script = `exec perl - ${args.join(' ')} <<'END_OF_LAB_PROGRAM'\n${program}\nEND_OF_LAB_PROGRAM\n`;
  const result = await run(script, { signal });
  if (result.code !== 0) throw new Error(`"${name}" failed with code ${String(result.code)}: ${result.stderr}`);
  return result.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}
