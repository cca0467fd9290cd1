/** What is missing on this machine for guests, a phrase for each; empty when a guest can run. */
export function missingForGuests(): string[];
