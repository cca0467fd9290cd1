/**
 * Gives memory back at once instead of at the next collection: a worker makes megabytes of it a millisecond. Only for
 * buffers that nothing else holds; those small enough to share Node's pool are left alone.
 */
export function release(buffer: Uint8Array): void {
  const memory = buffer.buffer;
  if (memory instanceof ArrayBuffer && memory.byteLength > Buffer.poolSize && !memory.detached) memory.transfer(0);
}
