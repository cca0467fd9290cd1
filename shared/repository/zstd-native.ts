/**
 * What lies behind a stream of zstd of Node's, as Node 24 has it; no documented interface. Who uses it proves what comes of it,
 * and does without it elsewhere (records 38 and 41).
 */
export interface NativeZstd {
  readonly _handle: {
    writeSync(
      ...call: [
        ...[flush: number, input: Uint8Array, inputAt: number, inputBytes: number],
        ...[output: Uint8Array, outputAt: number, outputBytes: number],
      ]
    ): void;
  };
  /** How much room was left, and how much of the input, after the last write. */
  readonly _writeState: Uint32Array;
}
