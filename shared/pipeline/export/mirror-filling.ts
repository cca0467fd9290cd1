/** tar on the machine of a mirror, fed with entries as they come; what it says is taken down. */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { TargetTraits } from '../restore/fit-node.ts';
import { linesOf, parseTarMessage } from '../restore/tar-messages.ts';
import { EXCHANGED, type WorkFolder } from '../restore/target.ts';
import { targetExchanged } from '../restore/target-errors.ts';
import { ByteChannel } from './byte-channel.ts';
import { fillMirror, LOCKED } from './mirror-commands.ts';
import { mirrorError } from './mirror-place.ts';

export class MirrorFilling implements AsyncDisposable {
  readonly out = new ByteChannel();
  readonly #done: Promise<void>;
  readonly #stop = new AbortController();

  constructor(host: RemoteHost, folder: WorkFolder, traits: TargetTraits, signal: AbortSignal) {
    this.#done = run(host, folder, traits, this.out, AbortSignal.any([signal, this.#stop.signal]));
    this.#done.catch((error: unknown) => this.out.fail(error as Error));
  }

  /** All that was written is in the folder when it resolves. */
  async end(): Promise<void> {
    await this.out.end();
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the mirror is no longer filled'));
    await this.#done.catch(() => undefined);
  }
}

async function run(
  host: RemoteHost,
  folder: WorkFolder,
  traits: TargetTraits,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  await using stream = await host.stream(fillMirror(folder, traits), input, signal);
  const said: string[] = [];
  for await (const line of linesOf(stream.output as AsyncIterable<Buffer>)) {
    const message = parseTarMessage(line);
    if (message.kind === 'noise') continue;
    if (message.kind === 'full') {
      throw mirrorError(
        `The file system of "${folder.target}" is full: "${displayName(message.path)}" could not be written (${message.reason}).`,
        'Make room, or keep fewer states (--keep), and export again.',
      );
    }
    if (said.length < MOST_SAID) said.push(line);
  }
  const { exitCode } = await stream.finished;
  if (exitCode === EXCHANGED) throw targetExchanged(folder.target);
  if (exitCode === LOCKED)
    throw mirrorError(
      `Another run is writing to the mirror "${folder.target}".`,
      'Wait for its end, and export again.',
    );
  if (exitCode === 0 && said.length === 0) return;
  throw new StillpointError(
    'export.unproved',
    `tar could not make all of it in "${folder.target}": ${said.slice(0, 3).join('; ') || `exit code ${exitCode}`}.`,
    {
      advice: 'What it says names the entry. See to it, or leave that out of the source.',
      details: { said },
      cause: undefined,
    },
  );
}

const MOST_SAID = 50;
