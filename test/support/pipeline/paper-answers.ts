/** What a host on paper answers during a backup where a test has nothing of its own to say. */
import { Readable } from 'node:stream';
import type { RemoteCommand, RemoteStream } from '../../../shared/remote/command.ts';
import type { MadeSnapshot, SectionAnswer } from '../../../shared/snapshot/critical-section.ts';
import { surveyAnswer } from '../../unit/snapshot/fixtures.ts';

export const BOOT_ID = '6f0a2d0a-1111-4000-8000-000000000000';

const TABLE = '0 8 snapshot 254:1 254:9 P 8';

/**
 * A survey as in `surveyAnswer`; a lease that is alive, with nothing to sweep; one snapshot that is mounted and stays as it was.
 * What makes and removes snapshots is left to the host.
 */
export function quietAnswer(
  command: RemoteCommand<unknown>,
  bootId: string,
  snapshotUuid: string | undefined,
): unknown {
  switch (command.name) {
    case 'identify-host':
      return { ...(surveyAnswer(command) as object), system: 'Linux', bootId };
    case 'sweep-host':
    case 'release-lease':
      return { removed: [], kept: [] };
    case 'arm-lease':
      return { bootId, keeperPid: 7 };
    case 'renew-lease':
      return { state: 'alive', peaks: [], shares: [], full: [], gone: [], threat: undefined };
    case 'mount-snapshots':
      return {
        mounted: places(command).map((path) => ({ path, mountLine: path, rootInode: '2', seen: { table: TABLE } })),
      };
    case 'observe-snapshots': {
      const seen = { uuid: snapshotUuid ?? '', status: '0 8 snapshot 8/1000 8', table: TABLE, readable: 'yes' };
      return { bootId, snapshots: places(command).map((mountLine) => ({ mountLine, seen })) };
    }
    default:
      return surveyAnswer(command);
  }
}

/** Where the snapshots of the command are mounted; these arguments come next after the run. */
function places({ args: [, ...rest] }: RemoteCommand<unknown>): readonly string[] {
  const words = rest.map(String);
  const end = words.findIndex((word) => !/^\/run\/stillpoint\/.*\/mnt\/\d+$/.test(word));
  return words.slice(0, end < 0 ? words.length : end);
}

/** What the host says of snapshots that it made, by their names in the arguments. */
export function madeSnapshots(
  { args }: RemoteCommand<unknown>,
  facts: Omit<MadeSnapshot, 'id' | 'own'>,
  uuid: (name: string) => string,
): SectionAnswer {
  const names = args.map(String).filter((arg) => /^sp_[0-9a-f]{8}_/.test(arg));
  const made = names.map((name) => ({
    ...{ id: `vg0/${name}`, ...facts },
    own: { sizeBytes: 100 * 4_194_304, seen: { uuid: uuid(name) } },
  }));
  return { result: { made, held: [] } };
}

/** The whole output of a program that ends well. */
export function streamOf(text: string): RemoteStream {
  const data = Buffer.from(text);
  return {
    output: Readable.from([data], { objectMode: false }),
    finished: Promise.resolve({ exitCode: 0, bytes: data.length, stderr: '', stderrIsWhole: true }),
    async [Symbol.asyncDispose]() {},
  };
}
