/**
 * The law of the house: which room may know which. The rooms of `shared/` stand on layers; a file imports its own room
 * and lower layers only, rooms on one layer never import each other, and the shells see the façade, the domain and the
 * base. Foreign packages have named doors. `docs/design.md` gives the reasons.
 */
import { posix } from 'node:path';
import { type ModuleFacts, readModuleFacts } from './module-facts.ts';

/** Rooms of `shared/`, lowest layer first. `stillpoint.ts` is the façade on top. */
const LAYERS: readonly (readonly string[])[] = [
  ['base'],
  ['domain'],
  ['config', 'remote', 'tar'],
  ['quiesce', 'dump'],
  ['snapshot', 'repository'],
  ['pipeline', 'access'],
  ['jobs'],
  ['facade'],
  ['stillpoint.ts'],
];

const SHELLS = ['cli', 'mcp-server', 'extension'];

/** What shells may import of `shared/`. */
const OPEN_TO_SHELLS = /^shared\/(stillpoint\.ts$|domain\/|base\/)/;

/**
 * Foreign modules with the places that may import them. A package that is not listed may be imported nowhere in the
 * product; a `node:` module that is not listed may be imported anywhere in it.
 */
const DOORS: Readonly<Record<string, readonly RegExp[]>> = {
  ssh2: [/^shared\/remote\/ssh\//],
  execa: [/^shared\/remote\//, /^shared\/access\//, /^shared\/jobs\//],
  'node:child_process': [
    /^shared\/remote\//,
    /^shared\/jobs\//,
    /^shared\/base\/(process-identity|this-machine)\.ts$/,
    /^cli\/run-program\.ts$/,
  ],
  zod: [
    /^shared\/pipeline\/resume\//,
    /^shared\/config\//,
    /^shared\/jobs\//,
    /^shared\/repository\/format\//,
    /^shared\/.*\/records\.ts$/,
    /^mcp-server\//,
  ],
  'jsonc-parser': [/^shared\/config\//, /^extension\/commands\/add-host\.ts$/],
  'libsodium-wrappers-sumo': [/^shared\/repository\/crypto\//],
  '@aws-sdk/client-s3': [/^shared\/repository\/backend\/s3[a-z-]*\.ts$/],
  commander: [/^cli\//],
  vscode: [/^extension\//],
  '@modelcontextprotocol/server': [/^mcp-server\//],
};

/**
 * What a repository is to the rest of the house: the ports, the words that they are made of, and a set of blobs on top of
 * them. How it is stored may change behind them, so they do not know its format.
 */
const REPOSITORY_PORTS =
  /^shared\/repository\/(repository|point-reader|restore-point|node|ids|timestamp|blob-set)\.ts$/;

/** The room that knows the format, but for its ports, and the two verbs that write trees and copy packs. */
const FORMAT = 'shared/repository/format/';
const OPEN_TO_FORMAT: readonly RegExp[] = [
  /^shared\/repository\//,
  /^shared\/pipeline\/backup\/(folder-stack|root-tree)\.ts$/,
  /^shared\/pipeline\/export\/tree-spool\.ts$/,
  /^shared\/pipeline\/copy\/(gather|target-packs)\.ts$/,
];

export const MAX_LINES = 500;

/** Product folders are held to everything; `bench/` and `test/` only to the rules that are about one file. */
export const PRODUCT_FOLDERS = ['shared', ...SHELLS];

/** All breaks of the law in `sources` (path from the top of the project → text), one sentence each. */
export function findViolations(sources: ReadonlyMap<string, string>): string[] {
  const facts = new Map([...sources].map(([path, text]) => [path, readModuleFacts(path, text)]));
  const violations: string[] = [];
  for (const [path, module] of facts) {
    const found = [...fileFaults(path, module), ...importFaults(path, module, facts)];
    violations.push(...found.map((fault) => `${path} ${fault}`));
  }
  return [...violations, ...cycles(facts).map((cycle) => `${cycle.join(' → ')} is a cycle`)];
}

function fileFaults(path: string, { faults, lines, isBarrel }: ModuleFacts): string[] {
  const found = [...faults];
  if (lines > MAX_LINES) found.push(`has ${lines} lines; the limit is ${MAX_LINES}`);
  if (isBarrel || posix.basename(path) === 'index.ts') found.push('is a barrel');
  const room = sharedRoom(path);
  if (room !== undefined && layerOf(room) < 0) found.push(`is in "${room}", which is no room of shared/`);
  return found;
}

function importFaults(path: string, module: ModuleFacts, facts: ReadonlyMap<string, ModuleFacts>): string[] {
  return module.imports.flatMap((specifier) => {
    if (!specifier.startsWith('.')) return foreignFault(path, specifier);
    const target = resolve(path, specifier);
    if (specifier.endsWith('.json')) return [];
    // The bootstrap is plain JavaScript; what it knows about the machine, the tests use.
    if (/^\.ci\/.*\.mjs$/.test(target) && path.startsWith('test/')) return [];
    if (!specifier.endsWith('.ts')) return [`imports "${specifier}", which does not end in .ts`];
    if (!facts.has(target)) return [`imports "${specifier}", which is not there`];
    return ownFault(path, target);
  });
}

function foreignFault(path: string, specifier: string): string[] {
  if (!isProduct(path)) return [];
  const [first = '', second = ''] = specifier.split('/');
  const name = first.startsWith('@') ? `${first}/${second}` : first;
  const doors = DOORS[name];
  if (doors === undefined)
    return name.startsWith('node:') ? [] : [`imports "${name}", which has no door in this house`];
  return doors.some((door) => door.test(path)) ? [] : [`imports "${name}", whose door is elsewhere`];
}

function ownFault(path: string, target: string): string[] {
  const from = posixRoot(path);
  const to = posixRoot(target);
  if (isProduct(path) && !isProduct(target)) return [`imports ${target}, which is not part of the product`];
  if (from === 'shared') {
    if (to !== 'shared') return [`imports ${target}: the core does not know its shells`];
    return [...layerFault(sharedRoom(path) ?? '', sharedRoom(target) ?? '', target), ...formatFault(path, target)];
  }
  if (!SHELLS.includes(from) || to === from) return [];
  if (to !== 'shared') return [`imports ${target}: shells do not know each other`];
  return OPEN_TO_SHELLS.test(target) ? [] : [`imports ${target}: shells see the façade, the domain and the base only`];
}

function layerFault(from: string, to: string, target: string): string[] {
  if (from === to || layerOf(to) < layerOf(from)) return [];
  const where = layerOf(to) === layerOf(from) ? 'beside' : 'above';
  return [`imports ${target}, a room ${where} its own`];
}

function formatFault(path: string, target: string): string[] {
  if (!target.startsWith(FORMAT)) return [];
  if (REPOSITORY_PORTS.test(path)) return [`imports ${target}: a port does not know the format behind it`];
  if (OPEN_TO_FORMAT.some((open) => open.test(path))) return [];
  // One complaint is enough of a room that may not know repositories at all.
  if (layerOf(sharedRoom(path) ?? '') <= layerOf('repository')) return [];
  return [`imports ${target}: repositories are read by their ports`];
}

function layerOf(room: string): number {
  return LAYERS.findIndex((rooms) => rooms.includes(room));
}

function sharedRoom(path: string): string | undefined {
  return posixRoot(path) === 'shared' ? path.split('/')[1] : undefined;
}

function posixRoot(path: string): string {
  return path.split('/')[0] ?? '';
}

function isProduct(path: string): boolean {
  return PRODUCT_FOLDERS.includes(posixRoot(path));
}

function resolve(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier);
}

/** Every cycle once, by depth-first search; type imports count, for they tie files together just as well. */
function cycles(facts: ReadonlyMap<string, ModuleFacts>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const walk = (path: string): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) found.push([...trail.slice(seenAt), path]);
    if (seenAt >= 0 || done.has(path)) return;
    trail.push(path);
    for (const specifier of facts.get(path)?.imports ?? []) {
      if (specifier.startsWith('.')) walk(resolve(path, specifier));
    }
    trail.pop();
    done.add(path);
  };
  for (const path of facts.keys()) walk(path);
  return found;
}
