/** Who may open a repository, and who is at work on it. Nothing here is secret. */

export interface NewRepository {
  readonly id: string;
  /** Where it was made, without a password. */
  readonly location: string;
}

export interface RepositoryKey {
  /** 64 hex digits. */
  readonly id: string;
  readonly username: string;
  readonly hostname: string;
  /** ISO 8601. */
  readonly created: string;
  /** Whether the password that opened the repository just now is this key's. */
  readonly inUse: boolean;
}

export interface KeyListing {
  /** Oldest first. */
  readonly keys: readonly RepositoryKey[];
  /** Key files that cannot be read: they open nothing. */
  readonly unreadable: readonly { readonly id: string; readonly reason: string }[];
}

/** What a person should know about how a secret is kept. */
export interface SecretWarning {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}

export interface NewKey {
  readonly id: string;
  /** Of the file that the new password came from. */
  readonly warning: SecretWarning | undefined;
}

interface LockOwner {
  /** 64 hex digits. */
  readonly id: string;
  /** ISO 8601: when it was taken or renewed last. */
  readonly time: string;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
}

/** A lock that was looked at by `unlock`, with why it was removed or left. */
export interface JudgedLock {
  readonly id: string;
  /** Undefined for one that cannot be read. */
  readonly owner: LockOwner | undefined;
  readonly reason: string;
}

export interface UnlockReport {
  readonly removed: readonly JudgedLock[];
  readonly kept: readonly JudgedLock[];
}

/** Where a new password comes from: a file, or a person who types it twice. Never an argument. */
export type NewPassword = { readonly from: 'file'; readonly path: string } | { readonly from: 'person' };
