/** Why the parts of a file that changed cannot be told; then all of it is read, as if there had been nothing to compare with. */
export class Doubt extends Error {}
