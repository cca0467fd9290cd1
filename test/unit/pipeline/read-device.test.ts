/** The bytes of a device are all of them, or none count. */
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { runId } from '../../../shared/domain/names.ts';
import type { SourceDevice } from '../../../shared/pipeline/backup/devices.ts';
import { imageOf } from '../../../shared/pipeline/backup/read-device.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { ReadableSnapshot } from '../../../shared/snapshot/provider.ts';
import { lost } from '../../support/pipeline/paper-files.ts';

const volume = {} as SourceDevice['volume'];
const device: SourceDevice = { path: Buffer.from('/dev/vg0/a'), volume, sizeBytes: 6 };
const readable = [{ volume, path: '/run/stillpoint/0123abcd/mnt/3' }] as unknown as ReadableSnapshot[];

async function read(pieces: readonly string[], failure?: Error): Promise<string> {
  const asked: unknown[] = [];
  const host = {
    name: 'db1',
    stream: async (command: { readonly args: readonly unknown[] }) => {
      asked.push(command.args.at(-2));
      return {
        output: Readable.from(pieces.map((piece) => Buffer.from(piece))),
        finished: failure === undefined ? Promise.resolve({}) : Promise.reject(failure),
        async [Symbol.asyncDispose]() {},
      };
    },
  } as unknown as RemoteHost;
  const reading = { host, patience: undefined, run: runId('0123abcd'), readable };
  const { name, size, content } = imageOf(device, reading, never);
  expect([String(name), size, asked]).toEqual(['dev/vg0/a', 6, []]);
  const chunks = await Array.fromAsync(content as AsyncIterable<Buffer>);
  expect(asked).toEqual(['/run/stillpoint/0123abcd/mnt/3']);
  return Buffer.concat(chunks).toString();
}

describe('an image', () => {
  test('is read from its own snapshot, when it is asked for', async () => {
    expect(await read(['abc', 'def'])).toBe('abcdef');
  });

  test('is none where another number of bytes comes, or the host says that it failed', async () => {
    await expect(read(['abc'])).rejects.toThrow('Of "/dev/vg0/a" on "db1", which has 6 bytes, 3 came.');
    await expect(read(['abc', 'defg'])).rejects.toThrow('which has 6 bytes, more came.');
    await expect(read(['abc', 'def'], new Error('bad sector'))).rejects.toThrow('bad sector');
  });

  test('is read on from the mebibyte in which a connection was lost', async () => {
    const MIB = 1024 ** 2;
    const bytes = Buffer.from(Array.from({ length: 3 * MIB + 512 }, (_, at) => (at ^ (at >> 8) ^ (at >> 16)) & 0xff));
    const from: number[] = [];
    const waits: unknown[] = [];
    const host = {
      name: 'db1',
      stream: async ({ args }: { readonly args: readonly string[] }) => {
        const start = Number(args.at(-1)) * MIB;
        from.push(start);
        // One byte before a border, on one, in the middle of one; then all.
        const end = [MIB - 1, MIB + 1, 2 * MIB][from.length - 1] ?? bytes.length;
        async function* pieces(): AsyncGenerator<Buffer> {
          for (let at = start; at < end; at += 100_000) yield bytes.subarray(at, Math.min(end, at + 100_000));
          if (end < bytes.length) throw lost();
        }
        return { output: pieces(), finished: Promise.resolve({}), async [Symbol.asyncDispose]() {} };
      },
    } as unknown as RemoteHost;
    const patience = {
      after: async (_lost: unknown, _came: number, { name }: { readonly name: string }) => void waits.push(name),
    };
    const reading = { host, patience: patience as never, run: runId('0123abcd'), readable };
    const { content } = imageOf({ ...device, sizeBytes: bytes.length }, reading, never);
    const read = Buffer.concat(await Array.fromAsync(content as AsyncIterable<Buffer>));
    expect(read.equals(bytes)).toBe(true);
    expect(from).toEqual([0, 0, MIB, 2 * MIB]);
    expect(waits).toEqual(['take-up-reading', 'take-up-reading', 'take-up-reading']);
  });
});
