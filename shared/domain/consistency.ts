/**
 * How consistent a restore point is. Never upgraded silently: the label says what was proved, and a set of volumes is
 * as good as its weakest part.
 */
export const CONSISTENCY_LEVELS = ['fuzzy', 'crash-skewed', 'crash', 'cold', 'application'] as const;
export type Consistency = (typeof CONSISTENCY_LEVELS)[number];

export const CONSISTENCY_MEANING: Readonly<Record<Consistency, string>> = {
  application: 'The application was held still, and the hold was proved across the snapshot.',
  cold: 'The application was stopped while the snapshot was taken.',
  crash: 'One atomic instant, like a power cut at that moment.',
  'crash-skewed': 'Several instants, one per volume, a little apart.',
  fuzzy: 'Live files, read while they may have been changing.',
};
