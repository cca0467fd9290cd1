/** A restore point as a page of text: what it is, how far it can be trusted, and how to get at it without us. */
import { formatBytes } from '../../shared/base/bytes.ts';
import { CONSISTENCY_MEANING } from '../../shared/domain/consistency.ts';
import { holdInWords } from '../../shared/domain/holds.ts';
import type { RestorePointSummary } from '../../shared/domain/restore-point.ts';
import type { RepositorySpec } from '../../shared/domain/source.ts';
import { describeGaps, WHOLENESS_MEANING } from '../../shared/domain/wholeness.ts';
import { skewText } from './skew-text.ts';
import { formatTime, type Wording } from './wording.ts';

/** Markdown. `repository` is undefined when the configuration does not know it any more. */
export function restorePointText(
  point: RestorePointSummary,
  repository: RepositorySpec | undefined,
  wording: Wording,
): string {
  const { t } = wording;
  const unknown = t('not recorded');
  const facts: readonly (readonly [string, string])[] = [
    [t('Id'), point.id],
    [t('Taken'), `${formatTime(point.time, wording)} (${point.time})`],
    [t('Host'), point.hostname],
    [t('Source'), point.source ?? unknown],
    [t('Repository'), repository === undefined ? point.repository : `${point.repository}, ${repository.location}`],
    [t('Files'), point.filesTotal === undefined ? unknown : String(point.filesTotal)],
    [t('Size'), point.bytesTotal === undefined ? unknown : formatBytes(point.bytesTotal)],
    [t('Written by'), point.program ?? unknown],
    [t('Tags'), point.tags.length === 0 ? t('none') : point.tags.join(', ')],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    `# ${t('Restore point {0}', point.id.slice(0, 8))}`,
    '',
    ...facts.map(([name, value]) => `    ${name.padEnd(width)}  ${oneLine(value)}`),
    '',
    `## ${t('Consistency: {0}', point.consistency ?? t('unknown'))}`,
    '',
    point.consistency === undefined
      ? t('Another program wrote this restore point, and nothing is known of how its files were held still.')
      : [CONSISTENCY_MEANING[point.consistency], ...skewText(point, t)].join(' '),
    '',
    ...holdsText(point.holds, t),
    ...dumpsText(point.dumps, t),
    `## ${t('Content: {0}', point.wholeness.state)}`,
    '',
    describeGaps(point.wholeness) ?? WHOLENESS_MEANING[point.wholeness.state],
    '',
    ...point.wholeness.missing.map(({ path, reason }) => `    ${oneLine(reason === '' ? path : `${path}: ${reason}`)}`),
    ...(point.wholeness.missing.length === 0 ? [] : ['']),
    `## ${t('Paths')}`,
    '',
    ...point.paths.map((path) => `    ${oneLine(path)}`),
    '',
    `## ${t('Restore it')}`,
    '',
    t('With Stillpoint, into an empty folder:'),
    '',
    `    stillpoint restore ${point.id.slice(0, 8)} --to ${t('FOLDER')}`,
    '',
    t('The repository is an ordinary restic repository, so restic can do the same:'),
    '',
    `    ${resticCommand('restore', point, repository, `--target ${t('FOLDER')}`)}`,
    `    ${resticCommand('ls', point, repository, '')}`,
    '',
  ].join('\n');
}

function holdsText(holds: RestorePointSummary['holds'] = [], t: Wording['t']): readonly string[] {
  return holds.length === 0 ? [] : [...holds.map((hold) => `    ${oneLine(holdInWords(hold, t))}`), ''];
}

function dumpsText(dumps: RestorePointSummary['dumps'] = [], t: Wording['t']): readonly string[] {
  if (dumps.length === 0) return [];
  const lines = dumps.map(({ path, what, consistency }) => `    ${oneLine(`${path}: ${what}, ${consistency}`)}`);
  return [`## ${t('Dumps')}`, '', ...lines, ''];
}

function resticCommand(
  verb: string,
  point: RestorePointSummary,
  repository: RepositorySpec | undefined,
  rest: string,
): string {
  const words = ['restic', '-r', shellWord(repository?.location ?? point.repository)];
  if (repository?.passwordFile !== undefined) words.push('--password-file', shellWord(repository.passwordFile));
  words.push(verb, point.id.slice(0, 8));
  if (rest !== '') words.push(rest);
  return words.join(' ');
}

/** For a person to paste into a shell; Stillpoint never runs it. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}
