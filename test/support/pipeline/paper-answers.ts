/** What a host on paper answers during a backup where a test has nothing of its own to say. */
import { Readable } from 'node:stream';
import type { RemoteCommand, RemoteStream } from '../../../shared/remote/command.ts';
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
      return { state: 'alive', peaks: [], invalid: [] };
    case 'mount-snapshot':
      return { path: String(command.args[2]), mountLine: 'a line', table: TABLE, rootInode: '2' };
    case 'observe-snapshot':
      return {
        ...{ uuid: snapshotUuid, status: '0 8 snapshot 8/1000 8', table: TABLE, mountLine: 'a line' },
        ...{ bootId, readable: true },
      };
    default:
      return surveyAnswer(command);
  }
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
