/** Whether we can be root on the host, which programs it lacks, what its clock says, and what earlier runs left. */
import { describeSkew, provenSkewMs } from '../../../domain/clock-skew.ts';
import type { HostFinding, Remedy } from '../../../domain/readiness.ts';
import { typedWord } from '../../../remote/quoting.ts';
import { FOR_SNAPSHOTS, installing, lackIn } from '../../../snapshot/programs.ts';
import type { HostFacts } from '../facts.ts';
import type { SudoRights } from '../sudo-rights.ts';

export function judgeAccess(facts: HostFacts): readonly HostFinding[] {
  return [...rights(facts), ...programs(facts), ...clock(facts), ...traces(facts)];
}

function rights({ spec, survey, sudo, refusal }: HostFacts): readonly HostFinding[] {
  if (survey.identity.isRoot || sudo === undefined) return [];
  return [
    {
      ...{ kind: 'no-root', severity: 'left-out', object: sudo.user },
      message: refusal?.message ?? `We log in to "${spec.name}" as "${sudo.user}", and are not root there.`,
      means: 'No snapshot can be made, and only what this account may read can be saved, while it may be changing.',
      remedy: toBeRoot(sudo),
    },
  ];
}

const DANGER = 'It makes the account root: keep its key safe.';

function toBeRoot({ user, may }: SudoRights): Remedy {
  if (may === 'without-password')
    return {
      where: 'configuration',
      lines: ['"sudo": "passwordless"'],
      note: 'In the entry of the host; its sudo allows it.',
    };
  if (may === 'with-password') {
    const note = 'In the entry of the host; its sudo allows it, and a person is asked for the password each time.';
    return { where: 'configuration', lines: ['"sudo": "password"'], note };
  }
  // In sudoers, capitals are aliases, and other signs mean something.
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user))
    return {
      where: 'nowhere',
      lines: [],
      note: 'Log in as root, or make an account of a plain name for it; docs/host-setup.md shows how.',
    };
  return {
    where: 'host',
    lines: [...(may === 'no-sudo' ? ['apt-get install sudo'] : []), ...sudoersLines(user)],
    note: `${DANGER} Then write "sudo": "passwordless" in the entry of the host.`,
  };
}

/** Checked before it counts: a mistake in sudoers locks everybody out. A name with a dot is not read by sudo. */
function sudoersLines(user: string): readonly string[] {
  const file = `/etc/sudoers.d/stillpoint-${user}`;
  const rules = `'Defaults:${user} !requiretty, !use_pty' '${user} ALL=(root) NOPASSWD: /bin/sh -s'`;
  return [`(umask 227; printf '%s\\n' ${rules} > ${file}.new)`, `visudo -cf ${file}.new && mv ${file}.new ${file}`];
}

function programs({ spec, survey: { identity, volumes }, registry }: HostFacts): readonly HostFinding[] {
  const kinds = new Set(volumes.map(({ volume }) => (volume.snapshot.possible ? volume.snapshot.provider : undefined)));
  const used = registry.providers.filter(({ kind }) => kinds.has(kind));
  const lack = lackIn(identity, used.length === 0 ? [] : [FOR_SNAPSHOTS, ...used]);
  if (lack === undefined) return [];
  const names = lack.wanted.join(', ');
  return [
    {
      ...{ kind: 'lacks-programs', severity: 'left-out', object: names },
      message: `"${spec.name}" lacks what a backup needs: ${names}.`,
      means: 'A backup is refused.',
      remedy: {
        where: 'host',
        lines: [installing(lack)],
        note: 'On Debian; other distributions have the same programs.',
      },
    },
  ];
}

function clock({ spec, survey, sudo }: HostFacts): readonly HostFinding[] {
  const message = describeSkew(spec.name, survey.clockSkew);
  if (message === undefined) return [];
  const isRefused = Math.abs(provenSkewMs(survey.clockSkew)) > spec.maxClockSkewSeconds * 1000;
  const words = ['ssh', ...(spec.sshConfigFile === undefined ? [] : ['-F', spec.sshConfigFile]), spec.ssh].map(
    typedWord,
  );
  const line = `${words.join(' ')} ${sudo === undefined ? '' : 'sudo '}date -u -s "@$(date +%s)"`;
  const canType = words.every((word) => word !== undefined);
  return [
    {
      ...{ kind: 'clock', severity: isRefused ? 'left-out' : 'advice', object: 'clock' },
      message,
      means: isRefused
        ? 'A backup is refused until somebody has looked which of the two is wrong.'
        : 'Restore points are dated by this machine; times of files and of logs on the host are wrong, if its clock is.',
      remedy: canType
        ? {
            ...{ where: 'here', lines: [line] },
            note: 'If the clock of this machine is right; databases may dislike a clock that is set back. "timedatectl set-ntp true" on the host keeps it right.',
          }
        : { where: 'nowhere', lines: [], note: 'Set the one that is wrong.' },
    },
  ];
}

/** So many are named. */
const NAMED = 3;

function traces({ spec, traces: found }: HostFacts): readonly HostFinding[] {
  const { removed = [], kept = [] } = found ?? {};
  const more = removed.length > NAMED ? ` and ${removed.length - NAMED} more` : '';
  const own: HostFinding = {
    ...{ kind: 'own-traces', severity: 'advice', object: spec.name },
    message: `Runs of ours that are over left something on "${spec.name}": ${removed.slice(0, NAMED).join(', ')}${more}.`,
    means: 'It takes room. The next backup removes it before it begins.',
    remedy: { where: 'here', lines: [`stillpoint sweep ${spec.name}`], note: 'Or leave it to the next backup.' },
  };
  return [
    ...(removed.length === 0 ? [] : [own]),
    ...kept.map(
      ({ object, reason }): HostFinding => ({
        ...{ kind: 'foreign-traces', severity: 'advice', object },
        message: `"${object}" looks like ours, and a sweep leaves it alone: ${reason}.`,
        means: 'It takes room, and may be in use by another Stillpoint.',
        remedy: {
          ...{ where: 'nowhere', lines: [] },
          note: 'Nothing has to be done while that one may run. If it is gone for good, remove this by its full name, as docs/host-setup.md says.',
        },
      }),
    ),
  ];
}
