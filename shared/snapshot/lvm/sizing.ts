/** What is assumed of writing and reading where thick and thin snapshots reckon with it. All numbers are bytes. */

/** Rounded up by an eighth at the most, so that a plan does not change with every write to the origin. */
export const inSteps = (bytes: number): number => (bytes < 8 ? bytes : roundUp(bytes, stepOf(bytes)));

/** Likewise, but down. */
export const inStepsDown = (bytes: number): number => (bytes < 8 ? bytes : roundDown(bytes, stepOf(bytes)));

const stepOf = (bytes: number): number => 2 ** (Math.floor(Math.log2(bytes)) - 3);

export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
export const roundDown = (value: number, unit: number): number => Math.floor(value / unit) * unit;
