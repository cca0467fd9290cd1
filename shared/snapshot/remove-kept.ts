/** Removing kept snapshots, one object a command, each by its storage. */
import type { RemoteCommand, RemoteScript } from '../remote/command.ts';
import { FieldReader, type Fragment, joinParts } from '../remote/fragment.ts';
import { definitions } from './host/functions.ts';
import type { HostScripts } from './host/scripts.ts';
import type { Removal } from './kept-port.ts';

/** One word for each; one that fails says so and does not stop the others. */
export function removeKept(
  removals: readonly Fragment<Removal>[],
  { functions }: Pick<HostScripts, 'functions'>,
): RemoteCommand<readonly Removal[]> {
  const parts = joinParts(removals, 0);
  const script: RemoteScript = {
    name: 'remove-kept-snapshots',
    script: [
      ...[definitions(functions), parts.functions],
      `trap '' PIPE`,
      ...removals.map((_, index) => `${parts.call(index)} </dev/null`),
      'exit 0',
    ].join('\n'),
    args: parts.args,
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 120_000 * Math.max(1, removals.length),
    repeatable: true,
    parse: ({ stdout, stderr }) => {
      const reader = new FieldReader(stdout, stderr, script);
      const words = removals.map((removal) => reader.read(removal));
      reader.end();
      return words;
    },
  };
}
