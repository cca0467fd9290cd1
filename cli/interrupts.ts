/**
 * Who answers Ctrl-C. The last to register gets it: a command that only asks is aborted, a command that follows a job
 * first asks the job to stop. Disposing gives it back to the one before.
 */
export class Interrupts {
  readonly #handlers: (() => void)[] = [];

  take(handler: () => void): Disposable {
    this.#handlers.push(handler);
    return {
      [Symbol.dispose]: () => {
        const at = this.#handlers.lastIndexOf(handler);
        if (at !== -1) this.#handlers.splice(at, 1);
      },
    };
  }

  /** Returns false when no handler is registered. */
  interrupt(): boolean {
    const handler = this.#handlers.at(-1);
    handler?.();
    return handler !== undefined;
  }
}
