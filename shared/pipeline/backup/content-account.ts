/**
 * What tar said of a stream of content, weighed against what came. As long as one request is without an answer and without
 * an explanation, nothing of the stream is believed.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { StreamCommand, StreamResult } from '../../remote/command.ts';
import { commandFailed } from '../../remote/host-errors.ts';
import { type Complaint, complaintsOfTar, tooMuchUnreadable } from './complaints.ts';
import { MOST_SAID_BYTES } from './pack-files.ts';

export interface ContentTotals {
  /** What came over the connection. */
  readonly receivedBytes: number;
  /** What tar could not read: no entry came, or one that is filled up with zeros. Names are those of the requests. */
  readonly failures: readonly Complaint[];
  /** What else tar said, of files that came whole. */
  readonly remarks: readonly Complaint[];
  /** Lines of tar's that name nothing, though it ended well. */
  readonly others: readonly string[];
}

export class ContentAccount {
  receivedBytes = 0;
  readonly #failures: Complaint[] = [];
  readonly #remarks: Complaint[] = [];
  readonly #others: string[] = [];
  /** Of the stream that is on its way. */
  #passedOver: Buffer[] = [];
  #cuts = 0;

  /** The end of an entry's content did not come, whatever else is said of it. */
  cut(name: Buffer, missingBytes: number): void {
    this.#cuts += 1;
    this.#failures.push({ name, missingBytes, reason: 'its content is cut', isOfAttributes: false });
  }

  /** Whether the end of its content did not come. */
  isCut(name: Buffer): boolean {
    return this.#cuts > 0 && this.#failures.some((each) => each.missingBytes !== undefined && each.name.equals(name));
  }

  /** tar had no answer to this one, and has to say why. */
  passOver(name: Buffer): void {
    this.#passedOver.push(name);
  }

  /** A stream that came to its end. Errors: `read.incomplete`, `remote.command-failed`, `read.unreadable`. */
  end(host: string, command: StreamCommand, result: StreamResult): void {
    const { complaints, others } = complaintsOfTar(result.stderr);
    const isWell = result.exitCode === 0;
    if (!isWell && !result.stderrIsWhole) throw tooMuchUnreadable(host, command, result);
    const { failures, remarks } = sorted(complaints, isWell);
    if (!isWell && (others.length > 0 || failures.length + this.#cuts === 0)) {
      throw commandFailed(host, command, result.exitCode, result.stderr);
    }
    this.#settle(failures, remarks);
    this.#others.push(...others);
  }

  /**
   * A stream that was cut with its connection. tar ended by that, and what it said of its own end is of no file.
   * @param lost what is thrown where something was said that explains nothing
   * @param mayName whether a request of this name was answered, so that a complaint of it counts
   */
  endCut(
    { host, command, said }: { readonly host: string; readonly command: StreamCommand; readonly said: string },
    lost: unknown,
    mayName: (name: Buffer) => boolean,
  ): void {
    if (said.length >= MOST_SAID_BYTES) {
      throw tooMuchUnreadable(host, command, { exitCode: 2, bytes: 0, stderr: said, stderrIsWhole: false });
    }
    const { complaints, others } = complaintsOfTar(said);
    if (!others.every(isOfItsEnd)) throw lost;
    const { failures, remarks } = sorted(
      complaints.filter(({ name }) => mayName(name)),
      false,
    );
    this.#settle(failures, remarks);
  }

  totals(): ContentTotals {
    const { receivedBytes } = this;
    return { receivedBytes, failures: this.#failures, remarks: this.#remarks, others: this.#others };
  }

  #settle(failures: readonly Complaint[], remarks: readonly Complaint[]): void {
    this.#failures.push(...failures);
    this.#remarks.push(...remarks);
    const named = new Set(this.#failures.map(({ name }) => name.toString('latin1')));
    const unexplained = this.#passedOver.find((name) => !named.has(name.toString('latin1')));
    if (unexplained !== undefined) throw unexpected(undefined, unexplained);
    this.#passedOver = [];
    this.#cuts = 0;
  }
}

/** Whether tar says no more by it than that it ended. */
export const isOfItsEnd = (line: string): boolean => line === 'tar: Error is not recoverable: exiting now';

/** Where tar ends well, nothing that it said is of content. */
function sorted(
  complaints: readonly Complaint[],
  isWell: boolean,
): { readonly failures: readonly Complaint[]; readonly remarks: readonly Complaint[] } {
  const isRemark = ({ isOfAttributes }: Complaint): boolean => isWell || isOfAttributes;
  return {
    failures: complaints.filter((each) => !isRemark(each)),
    remarks: complaints.filter(isRemark),
  };
}

export function unexpected(found: Buffer | undefined, wanted: Buffer | undefined): StillpointError {
  const what = wanted === undefined ? 'nothing more' : `"${displayName(wanted)}"`;
  const came = found === undefined ? 'the stream ended' : `"${displayName(found)}" came`;
  return new StillpointError('read.incomplete', `The stream of content should hold ${what}, but ${came}.`, {
    advice: 'Run the backup again; if it recurs, look at the log for what tar said on the host.',
    cause: undefined,
  });
}
