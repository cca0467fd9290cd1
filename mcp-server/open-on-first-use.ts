/** Opens something on first use and keeps it. A failed opening is forgotten, so that the next use tries again. */
export interface OpenedOnFirstUse<T> extends AsyncDisposable {
  get(this: void): Promise<T>;
}

export function openOnFirstUse<T extends AsyncDisposable>(open: () => Promise<T>): OpenedOnFirstUse<T> {
  let opened: Promise<T> | undefined;
  return {
    get() {
      opened ??= open().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return opened;
    },
    async [Symbol.asyncDispose]() {
      const value = await opened?.catch(() => undefined);
      await value?.[Symbol.asyncDispose]();
    },
  };
}
