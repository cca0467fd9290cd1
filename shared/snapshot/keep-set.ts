/**
 * The end of a run whose snapshots are to be kept: all are marked, then all get their new names, in one script. Until the
 * first new name everything goes with the run; from the last one on everything stays.
 */
import type { RunId } from '../domain/names.ts';
import type { RemoteCommand, RemoteScript } from '../remote/command.ts';
import { FAILED, type FailedPart, FieldReader, joinParts } from '../remote/fragment.ts';
import { RUN_ROOT } from '../remote/run-root.ts';
import { SECTION_EXITS } from './critical-section.ts';
import type { HostScripts } from './host/scripts.ts';
import type { KeepSteps } from './kept-port.ts';

/** `part` of a failure counts the marks first, and then the names. */
export type KeepAnswer = { readonly failed: FailedPart } | { readonly kept: readonly string[] };

export function keepSnapshots(
  run: RunId,
  steps: readonly KeepSteps[],
  { reap }: Pick<HostScripts, 'reap'>,
): RemoteCommand<KeepAnswer> {
  const parts = joinParts([...steps.map(({ mark }) => mark), ...steps.map(({ rename }) => rename)], 1);
  const call = (index: number): string => `${parts.call(index)} </dev/null >/dev/null || sp_failed ${index + 1} $?`;
  const script: RemoteScript = {
    name: 'keep-snapshots',
    script: [
      ...[reap, FAILED, parts.functions],
      `# A client that gives up ends us; but names are given to all, or to none.
trap '' PIPE
trap : HUP INT TERM
run=$1
dir=${RUN_ROOT}/$run`,
      ...steps.map((_, index) => call(index)),
      `sp_goes_on "$run" || sp_failed 1 ${SECTION_EXITS.leaseEnded}`,
      ...steps.map((_, index) => call(steps.length + index)),
      'exit 0',
    ].join('\n'),
    args: [run, ...parts.args],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 120_000 * Math.max(1, steps.length),
    repeatable: false,
    parse: ({ stdout, stderr }) => {
      if (stdout.length === 0) return { kept: steps.map(({ id }) => id) };
      const reader = new FieldReader(stdout, stderr, script);
      const failed = reader.failure();
      if (failed === undefined) throw reader.unreadable('it is no failure');
      return { failed };
    },
  };
}
