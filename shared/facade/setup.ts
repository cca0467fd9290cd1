/**
 * From what was found on a host to entries of the configuration, with a repository where there is none yet. A plan is a
 * value: what is done is made anew and has to be the same.
 *
 * Order, so that nothing is left half done: the password's file, the repository, and last the configuration, which makes
 * the others count. A setup that was cut after the repository was made goes on with it when it is done again.
 */
import { hash, randomBytes } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isStillpointError, StillpointError, systemErrorCode } from '../base/errors.ts';
import { makeFolders } from '../base/make-folders.ts';
import { addEntries, type NewEntry } from '../config/add-entries.ts';
import {
  type ConfigPlace,
  type Configuration,
  loadConfiguration,
  parseConfiguration,
} from '../config/configuration.ts';
import { findRepository } from '../config/look-up.ts';
import { configBytes, replaceConfig } from '../config/replace-config.ts';
import { formatLocation, parseLocation } from '../domain/location.ts';
import { type RepositoryName, repositoryName, sourceName } from '../domain/names.ts';
import { requireApproved } from '../domain/plan.ts';
import { type PlanId, planIdOf } from '../domain/plan-id.ts';
import type { SetupPlan, SetupRequest } from '../domain/setup-plan.ts';
import type { RepositorySpec } from '../domain/source.ts';
import type { RepositoryAccess } from './repository-access.ts';

export interface SetupPorts {
  readonly place: ConfigPlace;
  readonly home: string;
  readonly access: RepositoryAccess;
}

/** A plan, and what it takes to do it. */
interface Prepared {
  readonly plan: SetupPlan;
  readonly before: Buffer | undefined;
  readonly after: string;
  /** Of the configuration as it will be. */
  readonly spec: RepositorySpec;
}

export async function planSetup(request: SetupRequest, ports: SetupPorts): Promise<SetupPlan> {
  return (await prepare(request, ports)).plan;
}

export async function applySetup(
  request: SetupRequest,
  approved: PlanId,
  ports: SetupPorts,
  signal: AbortSignal,
): Promise<SetupPlan> {
  const { plan, before, after, spec } = await prepare(request, ports);
  requireApproved(approved, plan);
  if (plan.makes !== undefined) await makeRepository(spec, plan.makes, ports.access, signal);
  await replaceConfig(ports.place.file, before, after);
  return plan;
}

async function prepare(request: SetupRequest, { place, home }: SetupPorts): Promise<Prepared> {
  // What is wrong with the file as it is, is said as it always is.
  const configuration = await loadConfiguration(place, home);
  const before = await configBytes(place.file);
  const text = (before ?? Buffer.alloc(0)).toString('utf8');
  const bom = text.startsWith('\ufeff') ? '\ufeff' : '';
  const repository = 'name' in request.repository ? request.repository.name : freeRepository(configuration);
  const makes =
    'name' in request.repository ? undefined : await newRepository(repository, request.repository.location, place);
  refuseTaken(request, configuration);
  const entries = entriesOf(request, repository, makes?.entry);
  const after = addEntries(text.slice(bom.length), entries);
  const spec = repositoryIn(after, place, home, repository);
  const shown = { location: spec.location, passwordFile: makes?.file ?? '', newPassword: makes?.isNew === true };
  return {
    ...{ before, after: `${bom}${after}`, spec },
    plan: planOf(request, {
      ...{ file: place.file, repository, makes: makes === undefined ? undefined : shown },
      addition: JSON.stringify(tables(entries.map((entry) => hidingSecrets(entry))), undefined, 2),
      digest: before === undefined ? '' : hash('sha256', before, 'hex'),
    }),
  };
}

/** The first that is free: "main", "main-2". */
function freeRepository({ repositories }: Configuration): RepositoryName {
  for (let count = 1; ; count += 1) {
    const name = repositoryName(count === 1 ? 'main' : `main-${count}`);
    if (!repositories.has(name)) return name;
  }
}

/** A host or a source of that name may have come to the file in the meantime. */
function refuseTaken({ host, proposedHost, sources }: SetupRequest, configuration: Configuration): void {
  const taken = sources.find(({ name }) => configuration.sources.has(sourceName(name)));
  const what =
    taken !== undefined
      ? `source "${taken.name}"`
      : proposedHost !== undefined && configuration.hosts.has(host)
        ? `host "${host}"`
        : undefined;
  if (what === undefined && sources.length > 0) return;
  const message = what === undefined ? 'No source was chosen.' : `There is a ${what} in the configuration already.`;
  throw new StillpointError('usage.invalid', message, {
    advice:
      what === undefined
        ? 'Choose one of those that are proposed.'
        : 'Do the same again: another name is then proposed.',
    cause: undefined,
  });
}

/** Its password lies beside the configuration, made here unless there is such a file already. */
async function newRepository(name: RepositoryName, location: string, { file }: ConfigPlace) {
  const kind = parseLocation(location).kind;
  const base = `${name}.password`;
  const passwordFile = join(dirname(file), base);
  const isNew = !(await isThere(passwordFile));
  return { kind, file: passwordFile, isNew, entry: { location, passwordFile: base } };
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (systemErrorCode(error) === 'ENOENT') return false;
      throw unusablePassword(path, error);
    },
  );
}

function entriesOf(
  { host, proposedHost, sources }: SetupRequest,
  repository: RepositoryName,
  entry: { readonly location: string; readonly passwordFile: string } | undefined,
): readonly NewEntry[] {
  return [
    ...(proposedHost === undefined ? [] : [{ table: 'hosts' as const, name: host, value: proposedHost }]),
    ...(entry === undefined ? [] : [{ table: 'repositories' as const, name: repository, value: entry }]),
    ...sources.map((source) => ({
      table: 'sources' as const,
      name: source.name,
      value: { ...source.entry, repository },
    })),
  ];
}

function hidingSecrets(entry: NewEntry): NewEntry {
  if (entry.table !== 'repositories' || !('location' in entry.value)) return entry;
  return { ...entry, value: { ...entry.value, location: formatLocation(parseLocation(String(entry.value.location))) } };
}

const tables = (entries: readonly NewEntry[]): object =>
  Object.fromEntries(
    [...Map.groupBy(entries, ({ table }) => table)].map(([table, own]) => [
      table,
      Object.fromEntries(own.map(({ name, value }) => [name, value])),
    ]),
  );

/** What would be written has to be a configuration. */
function repositoryIn(after: string, { file }: ConfigPlace, home: string, name: RepositoryName): RepositorySpec {
  return findRepository(parseConfiguration(after, file, home), name);
}

function planOf(
  { host, sources }: SetupRequest,
  { digest, ...content }: Pick<SetupPlan, 'file' | 'repository' | 'makes' | 'addition'> & { readonly digest: string },
): SetupPlan {
  const { file, makes, repository } = content;
  const names = sources.map(({ name }) => sourceName(name));
  return {
    kind: 'setup',
    id: planIdOf({ ...content, digest, host, names }),
    basis: 'the configuration',
    steps: [
      ...(makes?.newPassword === true
        ? [{ does: [`write a new password to "${makes.passwordFile}", readable for you alone`] }]
        : []),
      ...(makes === undefined ? [] : [{ does: [`create the repository "${repository}" at ${makes.location}`] }]),
      { does: [`add to "${file}" what is shown`] },
    ],
    risks:
      makes === undefined
        ? []
        : ['Without its password nobody can read the repository: keep a copy of it somewhere else.'],
    rollback: `What comes to "${file}" can be taken out of it by hand.`,
    ...content,
    sources: names,
  };
}

async function makeRepository(
  spec: RepositorySpec,
  { passwordFile, newPassword }: NonNullable<SetupPlan['makes']>,
  access: RepositoryAccess,
  signal: AbortSignal,
): Promise<void> {
  if (newPassword) await writePassword(passwordFile);
  let isTouched = false;
  try {
    await access.init(spec, signal, () => (isTouched = true));
  } catch (error) {
    if (newPassword && !isTouched) await rm(passwordFile, { force: true });
    if (newPassword || !isStillpointError(error, 'repository.exists')) throw error;
    // Of a setup that was cut, or of a person: whoever has its password may use it.
    await access.keys(spec, signal);
  }
}

/** 192 random bits, in letters that survive being copied. */
async function writePassword(path: string): Promise<void> {
  try {
    await makeFolders(dirname(path), 0o700);
    await using file = await open(path, 'wx', 0o600);
    await file.writeFile(`${randomBytes(24).toString('base64url')}\n`);
    await file.sync();
  } catch (error) {
    throw unusablePassword(path, error);
  }
}

function unusablePassword(path: string, cause: unknown): StillpointError {
  const why = systemErrorCode(cause) ?? String(cause);
  return new StillpointError('config.secret-unavailable', `The password's file "${path}" cannot be made (${why}).`, {
    advice: 'Make its folder writable for you, or write the entry of the repository by hand.',
    details: { path },
    cause,
  });
}
