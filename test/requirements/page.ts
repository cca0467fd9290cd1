/** How the files of this folder write down what a page promises. */
import type { Exception, Requirement } from '../support/traced.ts';

export interface PageRequirements {
  readonly requirements: readonly Requirement[];
  readonly exceptions: readonly Exception[];
}

/** A promise with the titles of the tests that hold it, by their files. */
export type Promised = readonly [promise: string, tests: Readonly<Record<string, string | readonly string[]>>];
type Excepted = readonly [text: string, reason: string];

export function ofPage(
  page: string,
  { promises, exceptions = [] }: { readonly promises: readonly Promised[]; readonly exceptions?: readonly Excepted[] },
): PageRequirements {
  return {
    requirements: promises.map(([promise, files]) => ({
      page,
      promise,
      tests: Object.entries(files).flatMap(([file, titles]) => [titles].flat().map((test) => ({ file, test }))),
    })),
    exceptions: exceptions.map(([text, reason]) => ({ page, text, reason })),
  };
}
