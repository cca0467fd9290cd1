/** One test that ran in the extension host; a line of JSON each, written at once, so that a crash loses none. */
export interface HostCase {
  readonly title: string;
  readonly durationMs: number;
  /** Why it was left out. */
  readonly skipped?: string;
  /** Stack and message of a failed test. */
  readonly error?: string;
}
