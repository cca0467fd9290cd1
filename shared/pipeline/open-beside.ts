/**
 * Opening things side by side, since each of them mostly waits for somebody else.
 *
 * Invariant: how it ends does not depend on who was faster. What is closed when, says the stack that it is given.
 */

/**
 * Opens two things at the same time. Where the first one fails that is the error, whatever became of the second, which is
 * not waited for longer than it takes to give it up.
 */
export async function openBeside<A extends AsyncDisposable, B extends AsyncDisposable>(
  first: (signal: AbortSignal) => Promise<A>,
  second: (signal: AbortSignal) => Promise<B>,
  resources: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<readonly [A, B]> {
  const inVain = new AbortController();
  const opening = second(AbortSignal.any([signal, inVain.signal]));
  opening.catch(() => undefined);
  try {
    const one = resources.use(await first(signal));
    return [one, resources.use(await opening)];
  } catch (error) {
    inVain.abort(error);
    const [other] = await Promise.allSettled([opening]);
    if (other.status === 'fulfilled') resources.use(other.value);
    throw error;
  }
}

export interface OpenedAhead<T> extends AsyncDisposable {
  /** What was opened ahead, the first time; what it failed with is thrown here. After that each call opens anew. */
  open(signal: AbortSignal): Promise<T>;
}

/** Begins to open what will be needed in a moment. Disposing of it closes what nobody took. */
export function openAhead<T extends AsyncDisposable>(
  open: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): OpenedAhead<T> {
  const inVain = new AbortController();
  let opening: Promise<T> | undefined = open(AbortSignal.any([signal, inVain.signal]));
  opening.catch(() => undefined);
  return {
    open(opened) {
      const ready = opening ?? open(opened);
      opening = undefined;
      return ready;
    },
    async [Symbol.asyncDispose]() {
      inVain.abort(new Error('Nobody needs it any more.'));
      const [left] = opening === undefined ? [] : await Promise.allSettled([opening]);
      if (left?.status === 'fulfilled') await left.value[Symbol.asyncDispose]();
    },
  };
}
