/**
 * Packages of any Debian suite, fetched by name and unpacked into the lab's cache. apt runs with a configuration of
 * its own, so the machine's package lists, preferences and installed packages are neither used nor changed, and an
 * ordinary user may fetch as well as root. The archive's signatures are checked as always.
 *
 * What was fetched is kept and not looked for again: a suite may drop or replace a package at any time. Fetches are
 * serialised by a lock, and an unpacked package appears by one rename.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cacheRoot } from './cache.ts';
import { lockFile } from './file-lock.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** For one call of apt; a package list is 10 MB, a kernel 36 MB. */
const fetchLimitMs = 180_000;
/** How long package lists are believed to be what the archive has. */
const listsAgeMs = 3_600_000;

/** A package as it was unpacked. */
interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly suite: string;
  /** The folder that stands for `/`. */
  readonly root: string;
}

/** A name to fetch, or a way to find it among the suite's packages, for a package that only depends on the real one. */
interface PackageRequest {
  readonly suite: string;
  readonly package: string;
  /** Fetch not `package` but what it depends on that matches, such as the kernel behind a name without a version. */
  readonly dependency?: RegExp;
}

/**
 * The path of program `file` (as in `usr/bin/restic`) of a package, fetched first where the cache has it not, or the
 * reason why it cannot be had, as a sentence. It runs here when it is static or made for the libraries of this machine.
 */
export async function fetchDebianProgram(
  request: { readonly suite: string; readonly package: string; readonly file: string },
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly version: string } | { readonly reason: string }> {
  try {
    const { root, version } = await fetchDebianPackage(request, signal);
    const path = join(root, request.file);
    await stat(path);
    return { path, version };
  } catch (error) {
    signal.throwIfAborted();
    return { reason: (error as Error).message };
  }
}

/** Fetches and unpacks a package. Throws with one sentence that says why it cannot be had. */
export async function fetchDebianPackage(request: PackageRequest, signal: AbortSignal): Promise<DebianPackage> {
  const folder = join(cacheRoot(), 'debian', request.suite);
  const destination = join(folder, request.package);
  const cached = await openPackage(request, destination);
  if (cached !== undefined) return cached;

  await mkdir(folder, { recursive: true, mode: 0o700 });
  await using _lock = await lockFile(join(folder, 'lock'), signal);
  const fetchedMeanwhile = await openPackage(request, destination);
  if (fetchedMeanwhile !== undefined) return fetchedMeanwhile;

  const workplace = `${destination}.fetching`;
  await rm(workplace, { recursive: true, force: true });
  await mkdir(join(workplace, 'root'), { recursive: true });
  try {
    const apt = await openSuite(request.suite, join(folder, 'apt'), signal);
    const name = request.dependency === undefined ? request.package : await findDependency(apt, request, signal);
    await apt('apt-get', ['download', name], { cwd: workplace, signal });
    const [archive] = (await readdir(workplace)).filter((file) => file.endsWith('.deb'));
    if (archive === undefined) throw new Error(`apt fetched no package ${name} of Debian ${request.suite}`);
    const path = join(workplace, archive);
    const { stdout: version } = await execa('dpkg-deb', ['--field', path, 'Version'], { cancelSignal: signal });
    await execa('dpkg-deb', ['--extract', path, join(workplace, 'root')], { cancelSignal: signal });
    await rm(path);
    await writeFile(join(workplace, 'version'), `${version}\n`);
    await rename(workplace, destination);
    return { name: request.package, version, suite: request.suite, root: join(destination, 'root') };
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
}

async function openPackage(request: PackageRequest, destination: string): Promise<DebianPackage | undefined> {
  const version = await readFile(join(destination, 'version'), 'utf8').catch(() => undefined);
  if (version === undefined) return undefined;
  return { name: request.package, version: version.trim(), suite: request.suite, root: join(destination, 'root') };
}

type Apt = (
  program: 'apt-get' | 'apt-cache',
  args: readonly string[],
  options: { readonly cwd?: string; readonly signal: AbortSignal },
) => Promise<string>;

async function findDependency(apt: Apt, request: PackageRequest, signal: AbortSignal): Promise<string> {
  const listed = await apt('apt-cache', ['depends', '--important', request.package], { signal });
  const names = listed.split('\n').map((line) => /^\s*Depends: (\S+)$/.exec(line)?.[1] ?? '');
  const found = names.find((name) => request.dependency?.test(name));
  if (found === undefined) throw new Error(`${request.package} of Debian ${request.suite} names no package to fetch`);
  return found;
}

/** apt on one suite alone, with its lists up to date. `directory` holds everything that it reads and writes. */
async function openSuite(suite: string, directory: string, signal: AbortSignal): Promise<Apt> {
  const apt: Apt = async (program, args, options) => {
    const limit = AbortSignal.timeout(fetchLimitMs);
    const result = await execa(program, [`--config-file=${join(directory, 'apt.conf')}`, '-q', ...args], {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      cancelSignal: AbortSignal.any([options.signal, limit]),
      env: { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      stdin: 'ignore',
      reject: false,
    });
    options.signal.throwIfAborted();
    if (result.exitCode === 0) return result.stdout;
    const why = limit.aborted ? `took longer than ${String(fetchLimitMs / 1000)} s` : firstComplaint(result.stderr);
    throw new Error(`"${program} ${args.join(' ')}" for Debian ${suite} ${why}`);
  };
  const updated = join(directory, 'updated');
  const updatedAt = await stat(updated).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (Date.now() - updatedAt < listsAgeMs) return apt;
  let failure: unknown;
  for (const mirror of await debianMirrors(signal)) {
    await configure(directory, `deb [arch=amd64 signed-by=${keyring}] ${mirror} ${suite} main\n`);
    try {
      await apt('apt-get', ['update'], { signal });
      await writeFile(updated, '');
      return apt;
    } catch (error) {
      signal.throwIfAborted();
      failure ??= error;
    }
  }
  throw failure;
}

function firstComplaint(stderr: string): string {
  const complaints = stderr.split('\n').filter((line) => /^[EW]: /.test(line));
  return `said: ${complaints[0] ?? (stderr.trim().split('\n').at(-1) || 'nothing')}`;
}

/**
 * Where this machine gets Debian's packages from, the likeliest first: what its apt is configured with, whatever the
 * form of its source files. Other vendors' archives fall out by the signature.
 */
export async function debianMirrors(signal: AbortSignal): Promise<readonly string[]> {
  const configured = process.env['STILLPOINT_LAB_MIRROR'];
  if (configured !== undefined && configured !== '') return [configured];
  const uris = await execa('apt-get', ['update', '--print-uris'], { cancelSignal: signal, reject: false });
  const mirrors = [...(uris.stdout ?? '').matchAll(/^'(.+?)\/dists\/[^']*\/InRelease'/gm)].map(
    (match) => match[1] ?? '',
  );
  const isMain = (uri: string): number => (uri.endsWith('/debian') ? 0 : 1);
  const found = [...new Set(mirrors)].toSorted((left, right) => isMain(left) - isMain(right));
  if (found.length > 0) return found;
  throw new Error("This machine's apt names no archive to fetch packages from; STILLPOINT_LAB_MIRROR may name one");
}

async function configure(directory: string, source: string): Promise<void> {
  const state = join(directory, 'state');
  for (const folder of [join(state, 'lists/partial'), join(directory, 'cache/archives/partial')]) {
    await mkdir(folder, { recursive: true });
  }
  await writeFile(join(state, 'status'), '');
  await writeFile(join(directory, 'sources.list'), source);
  // The machine's own configuration is read before this one: its proxy settings are wanted, its hooks are not, because
  // they work on the machine's own folders.
  await writeFile(
    join(directory, 'apt.conf'),
    `Dir::State "${state}/";
Dir::State::status "${join(state, 'status')}";
Dir::Cache "${join(directory, 'cache')}/";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::SourceList "${join(directory, 'sources.list')}";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
`,
  );
}
