/**
 * The door of the extension to the core. The core is loaded when the first view or command needs it and not before, so
 * that starting the editor costs nothing, and it is opened again when the setting names another configuration. An old one
 * is closed when the last work that uses it has ended; a job that runs has its own process and is not touched by that.
 */
import type * as vscode from 'vscode';
import type { Logger } from '../shared/base/log.ts';
import type { Stillpoint } from '../shared/stillpoint.ts';
import type { PersonPrompter } from './prompter.ts';

export interface CoreOptions {
  readonly prompter: PersonPrompter;
  readonly logger: Logger;
  /** The setting, read when the core is opened; undefined for the default place. */
  readonly configFile: () => string | undefined;
}

/** One opened core and how many works use it. */
interface Opened {
  readonly stillpoint: Promise<Stillpoint>;
  uses: number;
  outdated: boolean;
}

export class Core implements vscode.Disposable {
  readonly #options: CoreOptions;
  #opened: Opened | undefined;

  constructor(options: CoreOptions) {
    this.#options = options;
  }

  /** For work that may have to ask the user: an answer that is refused is asked for again within it. */
  converse<T>(work: (stillpoint: Stillpoint) => Promise<T>): Promise<T> {
    return this.use((stillpoint) => this.#options.prompter.conversation(() => work(stillpoint)));
  }

  /** For work that never asks. Errors are those of the façade and of the work. */
  async use<T>(work: (stillpoint: Stillpoint) => Promise<T>): Promise<T> {
    const opened = this.#current();
    opened.uses += 1;
    try {
      return await work(await opened.stillpoint);
    } catch (error) {
      await opened.stillpoint.catch(() => this.#retire(opened));
      throw error;
    } finally {
      opened.uses -= 1;
      this.#closeWhenUnused(opened);
    }
  }

  /** The next work opens the configuration that the setting names then. */
  reopen(): void {
    if (this.#opened !== undefined) this.#retire(this.#opened);
  }

  dispose(): void {
    this.reopen();
  }

  #current(): Opened {
    this.#opened ??= { stillpoint: this.#open(), uses: 0, outdated: false };
    return this.#opened;
  }

  async #open(): Promise<Stillpoint> {
    const { openStillpoint } = await import('../shared/stillpoint.ts');
    const configFile = this.#options.configFile();
    return openStillpoint({
      prompter: this.#options.prompter,
      logger: this.#options.logger,
      ...(configFile === undefined ? {} : { configFile }),
    });
  }

  #retire(opened: Opened): void {
    opened.outdated = true;
    if (this.#opened === opened) this.#opened = undefined;
    this.#closeWhenUnused(opened);
  }

  #closeWhenUnused(opened: Opened): void {
    if (!opened.outdated || opened.uses > 0) return;
    opened.stillpoint
      .then((stillpoint) => stillpoint[Symbol.asyncDispose]())
      .catch((error: unknown) => this.#options.logger.log('warn', 'The core did not close cleanly', { error }));
  }
}
