/**
 * Stopping services while the snapshots are made, or while all is read where no snapshot can be: a cold backup. systemd, OpenRC,
 * the scripts of /etc/init.d and the containers of Docker are known.
 */
import { turnsOfService } from '../../domain/turn.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { Fragment } from '../../remote/fragment.ts';
import { type HoldLook, type HoldRecord, type Hook, NOTHING_TO_SAY, type PlannedHold } from '../hook.ts';
import { STOPPED, servicesOnHost } from './on-host.ts';
import { IS_THERE, stopService } from './stop.ts';

/** How long a service may be down for snapshots, and for reading all of a source; both with the time that it takes to stop. */
const DEADLINES = { 'until-snapshots': 300, 'until-read': 4 * 3600 } as const;

export const services: Hook = {
  onHost: servicesOnHost,
  programs: { coreutils: 'mkdir mv rm rmdir' },
  look: ({ stop = [] }) => (stop.length === 0 ? undefined : findAbsent(stop)),
  plan: ({ stop = [] }, run, { readsLive, look }) =>
    stop.map((name, index) =>
      holdOf(name, run, {
        ...{ holds: readsLive ? 'until-read' : 'until-snapshots', others: stop },
        known: look.facts[`known-${index}`],
      }),
    ),
};

export function holdOf(
  name: string,
  run: string,
  terms: Pick<PlannedHold, 'holds'> &
    Partial<Pick<PlannedHold, 'deadlineSeconds'>> & {
      /** All services of the source: none is stopped where one of them is not there. */
      readonly others?: readonly string[];
      /** By which the host knows it. */
      readonly known?: string | undefined;
    },
): PlannedHold {
  const { holds, deadlineSeconds = DEADLINES[holds], others = [], known = '' } = terms;
  return {
    ...{ kind: 'service', id: name, label: `the ${labelOf(name)}`, guarantees: 'cold', holds, deadlineSeconds },
    turns: turnsOfService(name, known, `the ${labelOf(name)}`),
    freeze: stopService({ name, others }, run, deadlineSeconds),
    prove: proveStopped(name),
  };
}

function labelOf(name: string): string {
  if (name.startsWith('compose:')) return `project of docker compose "${name.slice('compose:'.length)}"`;
  return name.startsWith('container:') ? `container "${name.slice('container:'.length)}"` : `service "${name}"`;
}

/** Those that the manager of the host's services does not know, and by what it knows the others. */
export function findAbsent(names: readonly string[]): RemoteCommand<HoldLook> {
  const script: RemoteScript = {
    name: 'find-absent-services',
    script: `${servicesOnHost.script}${IS_THERE}
for name do
  if sp_service_is_there "$name" >/dev/null 2>&1 </dev/null; then
    known=
    case $name in
      compose:*) ;;
      container:*) known=$(sp_docker container inspect -f '{{index .Config.Labels "com.docker.compose.project"}}' "\${name#container:}") ;;
      *) [ "$(sp_service_by "$name")" != systemd ] || known=$(sp_service_fact Id "$name") ;;
    esac
    printf 'known\\0%s\\0' "$known"
  else
    printf 'absent\\0\\0'
  fi
done`,
    args: names,
    needs: 'either',
  };
  return {
    ...script,
    budgetMs: 60_000,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('utf8').split('\0');
      const words = names.map((_, index) => fields[2 * index]);
      if (fields.length !== 2 * names.length + 1 || !words.every((word) => word === 'known' || word === 'absent'))
        throw unreadableOutput(script, 'it is not two words for each', stdout.toString('utf8'));
      const absent = names.filter((_, index) => words[index] === 'absent');
      return {
        ...NOTHING_TO_SAY,
        lacks: absent.map((name) => ({ message: `There is no ${labelOf(name)}.`, advice: ADVICE })),
        facts: Object.fromEntries(names.map((_, index) => [`known-${index}`, fields[2 * index + 1] ?? ''])),
      };
    },
  };
}

const ADVICE =
  'Correct "stop" of the source: names as after "systemctl stop", which "systemctl list-units" on the host lists.';

/** It does not run, and has not run since it was stopped. */
function proveStopped(name: string): Fragment<HoldRecord> {
  return {
    name: 'prove-stopped',
    script: `
file=${STOPPED}/$1
[ -r "$file" ] || exit 1
while read -r word unit since; do
  case $word in
    unit) ! sp_service_runs "$unit" || exit 1 ;;
    since) ! sp_service_runs "$unit" && [ "$(sp_service_ended "$unit")" = "$since" ] || exit 1 ;;
  esac
done < "$file"`,
    args: [name],
    fields: 0,
    parse: () => ({}),
  };
}
