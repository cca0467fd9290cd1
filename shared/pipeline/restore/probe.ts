/**
 * What the file system of the target can hold, found out by making one of everything in the work folder with the same
 * tar that will do the restore. Types and mount options are not believed: drivers of one type differ, and networks and
 * containers hide what is below them.
 */
import { type CommandOutput, type RemoteCommand, unreadableOutput } from '../../remote/command.ts';
import { bareHead, type TarEntryType, type TarHead } from '../../tar/entry.ts';
import { encodePosixAcl, formatAclText } from '../../tar/posix-acl.ts';
import { encodeTarHead, TAR_END } from '../../tar/writer.ts';
import type { TargetTraits } from './fit-node.ts';
import { parseTarMessage } from './tar-messages.ts';
import { ENTER, EXCHANGED, enterArgs, type TargetFacts, type WorkFolder } from './target.ts';
import { targetExchanged } from './target-errors.ts';

/** How much there is room for; undefined where the file system does not say. */
export interface TargetRoom {
  readonly bytes: number | undefined;
  readonly entries: number | undefined;
  readonly blockSize: number;
  /** As `stat -f` names it. */
  readonly fileSystem: string;
}

export interface Probed {
  readonly traits: TargetTraits;
  readonly room: TargetRoom;
}

const OWNER = { uid: 54_321, gid: 54_322 };
const MODE = 0o640;
const SECONDS = 1_600_000_001;
const NANOSECONDS = 123_456_789;
/** What the texts of restic's format can hold. */
const YEAR_0 = -62_167_219_200;
const YEAR_9999 = 253_402_300_799;

/**
 * Names that file systems of other systems refuse or take for one another. Where all of them can exist side by side,
 * names are taken to be what they are on Linux: bytes.
 */
const NAMES: readonly Buffer[] = [
  ...['case', 'CASE', '\u00e9', 'e\u0301', 'dot', 'dot.', 'blank', 'blank ', ':*?"<>|\\', 'nul', '\x01\n'],
  'n'.repeat(255),
]
  .map((name) => Buffer.from(name))
  .concat(Buffer.from('\xff\xfe', 'latin1'));

const ACL = [
  { tag: 'user-owner', permissions: 6, id: undefined },
  { tag: 'user', permissions: 4, id: 54_323 },
  { tag: 'group-owner', permissions: 4, id: undefined },
  { tag: 'mask', permissions: 4, id: undefined },
  { tag: 'other', permissions: 0, id: undefined },
] as const;

const entry = (name: string | Buffer, type: TarEntryType, facts: Partial<TarHead> = {}): TarHead =>
  bareHead(name, type, { mtime: { seconds: SECONDS, nanoseconds: 0 }, ...facts });

function probeArchive(): Buffer {
  const value = Buffer.from('x');
  const acl = { name: Buffer.from('system.posix_acl_access'), value: encodePosixAcl(ACL) };
  const heads = [
    entry('plain', 'file', { mode: MODE, ...OWNER, mtime: { seconds: SECONDS, nanoseconds: NANOSECONDS } }),
    entry('oldest', 'file', { mtime: { seconds: YEAR_0, nanoseconds: 0 } }),
    entry('newest', 'file', { mtime: { seconds: YEAR_9999, nanoseconds: 0 } }),
    entry('acl', 'file', { xattrs: [acl], aclAccess: formatAclText(ACL) }),
    entry('user', 'file', { xattrs: [{ name: Buffer.from('user.stillpoint'), value }] }),
    entry('trusted', 'file', { xattrs: [{ name: Buffer.from('trusted.stillpoint'), value }] }),
    entry('symlink', 'symlink', { linkName: Buffer.from('plain') }),
    entry('hard-link', 'hardlink', { linkName: Buffer.from('plain') }),
    entry('pipe', 'fifo'),
    entry('device', 'chardev', { devMajor: 1, devMinor: 3 }),
    entry('names', 'dir', { mode: 0o700 }),
    ...NAMES.map((name) => entry(Buffer.concat([Buffer.from('names/'), name]), 'file')),
  ];
  return Buffer.concat([...heads.map(encodeTarHead), TAR_END]);
}

export function probeTarget(folder: WorkFolder, facts: TargetFacts): RemoteCommand<Probed> {
  const command: RemoteCommand<Probed> = {
    name: 'probe-restore-target',
    script: `${ENTER}mkdir probe && cd probe || exit 3
tar --extract --file=- "$@" 2>&1
echo --
for name in plain oldest newest; do stat -c '%a %u %g %.9Y' "$name" || echo missing; done
echo --
stat -f -c '%S %b %a %f %c %d %T' . 2>/dev/null
cd .. && rm -rf probe`,
    args: [...enterArgs(folder), ...tarOptions(facts)],
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 60_000,
    repeatable: false,
    input: probeArchive(),
    parse(output) {
      if (output.exitCode === EXCHANGED) throw targetExchanged(folder.target);
      return parseProbe(output, facts, (why, text) => unreadableOutput(command, why, text));
    },
  };
  return command;
}

function tarOptions({ uid }: TargetFacts): readonly string[] {
  return [
    '--keep-old-files',
    '--numeric-owner',
    '--same-permissions',
    uid === 0 ? '--same-owner' : '--no-same-owner',
    '--xattrs',
    '--xattrs-include=*',
    '--acls',
    '--warning=no-timestamp',
    '--quoting-style=escape',
  ];
}

const STAT = /^(\d+) (\d+) (\d+) (-?\d+)\.(\d{9})$/;

function parseProbe(
  { stdout }: CommandOutput,
  { uid, gid }: TargetFacts,
  unreadable: (why: string, text: string) => Error,
): Probed {
  const text = stdout.toString('latin1');
  const [said = '', facts = '', room = ''] = text.split(/^--\n/m);
  const [plain, oldest, newest] = facts.split('\n').map((line) => STAT.exec(line) ?? undefined);
  if (plain === undefined) throw unreadable('the probe did not come out as a file', text);
  const refused = new Set<string>();
  const bare = new Set<string>();
  for (const line of said.split('\n')) {
    const message = parseTarMessage(line);
    if (message.kind === 'entry' || message.kind === 'full') refused.add(message.path.toString('latin1'));
    if (message.kind === 'attribute') bare.add(`${message.path.toString('latin1')}: ${message.what}`);
  }
  const holds = (name: string): boolean => !refused.has(name);
  const isBare = (name: string, what: string): boolean => [...bare].some((one) => one.startsWith(`${name}: ${what}`));
  const [, mode, owner, group, seconds, nanoseconds] = plain.map(Number);
  const isRoot = uid === 0;
  const keepsOwners = isRoot && owner === OWNER.uid && group === OWNER.gid;
  return {
    traits: {
      uid,
      gid,
      owners: isRoot ? (keepsOwners ? 'kept' : 'lost') : 'own',
      permissions: mode === 640,
      acls: !isBare('acl', 'access control list'),
      attributes: !isBare('user', 'extended') || (isRoot && !isBare('trusted', 'extended')),
      symlinks: holds('symlink'),
      hardLinks: holds('hard-link'),
      pipes: holds('pipe'),
      devices: !isRoot || holds('device'),
      exactNames: NAMES.every((name) => holds(`names/${name.toString('latin1')}`)),
      exactTimes: seconds === SECONDS && nanoseconds === NANOSECONDS,
      oldest: isBare('oldest', 'time') ? undefined : limitOf(oldest, YEAR_0),
      newest: isBare('newest', 'time') ? undefined : limitOf(newest, YEAR_9999),
    },
    room: parseRoom(room, isRoot),
  };
}

/** Out of range a file system stores the nearest time that it has; undefined where it has them all, or does not say. */
function limitOf(fields: RegExpExecArray | undefined, asked: number): number | undefined {
  const got = fields === undefined ? asked : Number(fields[4]);
  const isLimit = asked < 0 ? got > asked && got <= SECONDS : got < asked && got >= SECONDS;
  return isLimit ? got : undefined;
}

function parseRoom(line: string, isRoot: boolean): TargetRoom {
  const [, blockSize, blocks, available, free, entries, freeEntries, fileSystem = ''] =
    /^(\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (.*)\n/.exec(line) ?? [];
  if (blockSize === undefined) return { bytes: undefined, entries: undefined, blockSize: 1, fileSystem: '' };
  // None in all is "as many as there are": of memory, of a network, of Btrfs.
  return {
    bytes: Number(blocks) === 0 ? undefined : Number(isRoot ? free : available) * Number(blockSize),
    entries: Number(entries) === 0 ? undefined : Number(freeEntries),
    blockSize: Number(blockSize),
    fileSystem,
  };
}
