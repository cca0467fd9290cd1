/** What somebody who looks after a repository should know of it. */
export interface Finding {
  /** What is wrong, naming the object. */
  readonly message: string;
  /** `information` is good to know and asks for nothing. */
  readonly severity: 'damage' | 'warning' | 'information';
  /** Restore points and files that are affected, as far as known: the start of the point's id, ":" and the path. */
  readonly affects: readonly string[];
  /** What to do next. */
  readonly advice?: string;
}
