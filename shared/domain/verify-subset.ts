/** Which share of a repository's packs a `verify` reads. */
export type VerifySubset =
  /** So many in a hundred packs, chosen by chance each time. */
  | { readonly kind: 'percent'; readonly percent: number }
  /** One of `of` fixed parts, as restic's `--read-data-subset=n/t`. */
  | { readonly kind: 'share'; readonly share: number; readonly of: number }
  /** The part that the date chooses, so that in `days` days in a row all is read. */
  | { readonly kind: 'daily'; readonly days: number };
