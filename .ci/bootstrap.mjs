#!/usr/bin/env node
/**
 * Makes a fresh clone able to run, and costs nothing when it already is.
 *
 *   node .ci/bootstrap.mjs [--need GROUP,…] [--want GROUP,…] [-- COMMAND ARGUMENT…]
 *
 * 1. What is needed and no script can install (root, a device, packages without root) ends the script with one list of
 *    all of it, before anything is installed.
 * 2. Debian packages of the named groups: by apt-get when we are root, otherwise one message that lists them all.
 *    A group that is needed and missing ends the script; one that is only wanted lets tests skip (with CI set, wanted
 *    is needed).
 * 3. npm packages: `npm ci` when node_modules is not what package-lock.json says.
 * 4. Node 24: where the machine's own is older, the npm package that carries the binary. It becomes
 *    node_modules/.bin/node, which is first on the PATH of every npm script.
 * 5. COMMAND runs with the right PATH. It is a child of this script and not a second command of the npm script's
 *    shell, because a shell that has found the old `node` once goes on using it.
 *
 * This file is plain JavaScript for Node 18, because it is what brings Node 24. Calls at the same time wait for each
 * other; a call that dies leaves a lock that the next one recognises by the dead process.
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEBIAN_GROUPS, missingPackages } from './debian-packages.mjs';
import { missingForGuests } from './lab-needs.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BIN = join(ROOT, 'node_modules', '.bin');
const NODE_VERSION = '24.21.0';
const NODE_MAJOR = 24;
const LOCK = join(ROOT, '.bootstrap-lock');

function parseArguments(argv) {
  const split = argv.indexOf('--');
  const options = split < 0 ? argv : argv.slice(0, split);
  const parsed = { need: [], want: [], command: split < 0 ? [] : argv.slice(split + 1) };
  for (let index = 0; index < options.length; index += 2) {
    const key = options[index]?.replace(/^--/, '');
    const groups = options[index + 1]?.split(',') ?? [];
    const unknown = groups.find((group) => !(group in DEBIAN_GROUPS));
    if ((key !== 'need' && key !== 'want') || groups.length === 0 || unknown !== undefined) {
      fail(`bootstrap: cannot understand "${options.slice(index, index + 2).join(' ')}".
Use --need or --want with ${Object.keys(DEBIAN_GROUPS).join(', ')}.`);
    }
    parsed[key].push(...groups);
  }
  return parsed;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function say(message) {
  process.stderr.write(`bootstrap: ${message}\n`);
}

/** Runs a program with its output on our stderr: stdout belongs to the command that follows. */
function run(program, args, env = process.env) {
  const shell = process.platform === 'win32'; // npm is a .cmd file there
  const result = spawnSync(program, args, { cwd: ROOT, env, shell, stdio: ['ignore', 2, 2] });
  if (result.error) fail(`bootstrap: ${program} could not be started: ${result.error.message}`);
  return result.status ?? 1;
}

function npm(...args) {
  // Packages ask for Node 24 while the older one installs it; a strict engine check would stop that.
  if (run('npm', [...args, '--engine-strict=false', '--no-audit', '--no-fund', '--loglevel=error']) !== 0) {
    fail(`bootstrap: "npm ${args.join(' ')}" failed; its messages are above.`);
  }
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** npm leaves in node_modules a lockfile of what it really put there; packages for other platforms are not in it. */
function isInstalled() {
  const wanted = readPackages(join(ROOT, 'package-lock.json'));
  const present = readPackages(join(ROOT, 'node_modules', '.package-lock.json'));
  if (!wanted) fail('bootstrap: package-lock.json is missing or damaged.');
  if (!present) return false;
  return Object.entries(wanted).every(([path, { version, optional, peer }]) => {
    if (path === '') return true;
    const found = present[path];
    return found === undefined ? optional === true || peer === true : found.version === version;
  });
}

function nodePackage() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${platform}-${process.arch}`;
}

function hasModernNode() {
  try {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'node_modules', nodePackage(), 'package.json'), 'utf8'));
    if (manifest.version === NODE_VERSION && existsSync(join(BIN, 'node'))) return true;
  } catch {
    // Not installed: then the Node that runs this script must do.
  }
  return Number(process.versions.node.split('.')[0]) >= NODE_MAJOR;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** A lock without a living owner: the owner died, or it did not even write its number within ten seconds. */
function isStale() {
  try {
    return !isAlive(Number(readFileSync(join(LOCK, 'pid'), 'utf8')));
  } catch {
    try {
      return Date.now() - statSync(LOCK).mtimeMs > 10_000;
    } catch {
      return false; // released just now
    }
  }
}

function locked(work) {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let told = false; ; ) {
    try {
      mkdirSync(LOCK);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isStale()) {
      const aside = `${LOCK}-stale-${process.pid}`; // renaming succeeds for one of several waiters only
      try {
        renameSync(LOCK, aside);
        rmSync(aside, { recursive: true });
      } catch {
        // Another waiter was faster.
      }
      continue;
    }
    if (!told) say('another call is installing; waiting for it');
    told = true;
    Atomics.wait(pause, 0, 0, 200);
  }
  // `fail` ends the process from anywhere, so the lock is given back on exit and not only behind the work.
  const release = () => rmSync(LOCK, { recursive: true, force: true });
  process.once('exit', release);
  writeFileSync(join(LOCK, 'pid'), String(process.pid));
  work();
  release();
  process.removeListener('exit', release);
}

function installNpmPackages() {
  if (isInstalled() && hasModernNode()) return;
  locked(() => {
    if (!isInstalled()) {
      say('installing the npm packages of package-lock.json');
      npm('ci');
    }
    if (!hasModernNode()) {
      say(`this is Node ${process.versions.node}; installing Node ${NODE_VERSION} into node_modules`);
      npm('install', '--no-save', `${nodePackage()}@${NODE_VERSION}`);
    }
  });
  if (!isInstalled() || !hasModernNode()) fail('bootstrap: npm succeeded but node_modules is not as it should be.');
}

function hasApt() {
  try {
    accessSync('/usr/bin/apt-get');
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs without starting what is installed: a package such as openssh-server would otherwise open its port to the
 * network. policy-rc.d is Debian's own switch for that; one that exists already is respected.
 */
function aptInstall(packages) {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  const remove = () => rmSync(policy, { force: true });
  if (ours) {
    process.once('exit', remove);
    writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const patient = [
    '-o',
    'DPkg::Lock::Timeout=300',
    '-o',
    'Acquire::http::Timeout=20',
    '-o',
    'Acquire::Retries=1',
    '-q',
  ];
  // One source of many that does not answer fails the update; whether that matters, the installation shows.
  run('apt-get', [...patient, 'update'], env);
  run('apt-get', [...patient, 'install', '-y', '--no-install-recommends', ...packages], env);
  if (ours) {
    remove();
    process.removeListener('exit', remove);
  }
}

/** What is needed and cannot be brought by this script is said at once, before anything is installed. */
function refuseWhatCannotRun(need) {
  const missing = need.includes('lab') ? missingForGuests() : [];
  const packages = canInstall() ? [] : missingPackages(need);
  if (packages.length > 0)
    missing.push(`these Debian packages: ${packages.join(' ')}\n    (${installCommand(packages)})`);
  if (missing.length > 0) fail(`This cannot run here. It needs:\n${missing.map((one) => `  - ${one}`).join('\n')}`);
}

function canInstall() {
  return hasApt() && process.getuid?.() === 0;
}

function installCommand(packages) {
  return `sudo apt-get install --no-install-recommends ${packages.join(' ')}`;
}

function installDebianPackages(need, want) {
  const groups = [...need, ...want];
  if (canInstall() && missingPackages(groups).length > 0) {
    say(`installing Debian packages: ${missingPackages(groups).join(' ')}`);
    locked(() => aptInstall(missingPackages(groups)));
  }
  const missing = missingPackages(groups);
  if (missing.length === 0) return;
  const tried = canInstall()
    ? 'They could not be installed; the messages of apt-get are above. By hand'
    : 'To install them';
  const message = `These Debian packages are missing: ${missing.join(' ')}\n${tried}:  ${installCommand(missing)}`;
  if (missingPackages(process.env.CI ? groups : need).length > 0) fail(message);
  process.stderr.write(`${message}\nTests that need them will be skipped.\n`);
}

function runCommand([program, ...args]) {
  const env = { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}` };
  // On Unix the program is looked up in the given PATH; on Windows only a shell does so.
  const child = spawn(program, args, { cwd: ROOT, env, stdio: 'inherit', shell: process.platform === 'win32' });
  // A terminal sends Ctrl-C to the child as well; it decides how to end and we report that.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('error', (error) => fail(`bootstrap: ${program} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

const { need, want, command } = parseArguments(process.argv.slice(2));
refuseWhatCannotRun(need);
installDebianPackages(need, want);
installNpmPackages();
if (command.length > 0) runCommand(command);
