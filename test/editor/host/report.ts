/** One test that ran in the extension host; a line of JSON each, written at once, so that a crash loses none. */
export interface HostCase {
  readonly title: string;
  readonly durationMs: number;
  /** Stack and message of a failed test. */
  readonly error?: string;
}
