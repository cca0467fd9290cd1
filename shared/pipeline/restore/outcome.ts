/** What became of each entry while a restore goes on, and what is said of it in the end. */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { NodeType } from '../../repository/format/node.ts';

/** More than this many are counted and no longer named, so that a log stays readable. */
const NAMED = 200;

interface Failure {
  readonly path: string;
  readonly reason: string;
}

export class Outcome {
  /** What was handed to tar whole. `bytes` are sizes with holes; a file with several names counts once. */
  readonly sent = { files: 0, folders: 0, others: 0, bytes: 0 };
  readonly failures: Failure[] = [];
  failed = 0;
  incompleteAttributes = 0;
  /** Files whose content broke off after their head was written: they must go again. */
  readonly broken: Buffer[] = [];
  readonly #lost = new Set<string>();
  readonly #emit: EmitEvent;

  constructor(emit: EmitEvent) {
    this.#emit = emit;
  }

  add(type: NodeType, bytes: number): void {
    if (type === 'dir') this.sent.folders += 1;
    else if (type === 'file') this.sent.files += 1;
    else this.sent.others += 1;
    this.sent.bytes += bytes;
  }

  skip(path: Buffer, reason: string): void {
    this.#emit({ type: 'item-skipped', path: displayName(path), reason });
  }

  /** An entry that is not in the target, or not with its content. */
  fail(path: string, reason: string): void {
    this.failed += 1;
    if (this.failures.length >= NAMED) return;
    this.failures.push({ path, reason });
    this.#emit({
      type: 'warning',
      code: 'restore.failed',
      message: `"${path}" could not be restored: ${reason}.`,
      advice: 'It is missing in the folder. Everything else goes on.',
    });
  }

  /** As `fail`, for an entry whose further names are then lost as well. */
  lose(path: Buffer, reason: string): void {
    this.#lost.add(path.toString('latin1'));
    this.fail(displayName(path), reason);
  }

  isLost(path: Buffer): boolean {
    return this.#lost.has(path.toString('latin1'));
  }

  /** An entry that is there, without something that belongs to it. */
  missAttribute(message: string): void {
    this.incompleteAttributes += 1;
    if (this.incompleteAttributes > NAMED) return;
    const advice = 'Its content is whole. Restore as root, and onto a file system that can hold this, to get it all.';
    this.#emit({ type: 'warning', code: 'restore.failed', message: `Not everything was kept: ${message}.`, advice });
  }

  /** The error at the end of a restore that left something out; undefined when nothing failed. */
  verdict(target: string): StillpointError | undefined {
    const [first] = this.failures;
    if (first === undefined) return undefined;
    const total = this.sent.files + this.sent.folders + this.sent.others;
    return new StillpointError(
      'restore.failed',
      `${this.failed} of about ${total + this.failed} entries could not be restored into "${target}"; the first is "${first.path}": ${first.reason}.`,
      {
        advice:
          'The other entries are there. The events of the run name what is missing; run verify if content is damaged.',
        details: { target, failed: this.failed, failures: this.failures.slice(0, 50), sent: { ...this.sent } },
        cause: undefined,
      },
    );
  }
}
