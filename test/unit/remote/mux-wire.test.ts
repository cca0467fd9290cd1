/** The frames on OpenSSH's control socket, cut anywhere. */
import { describe, expect, test } from 'vitest';
import { dataHead, frame, MESSAGE, MuxReader, text, uint32 } from '../../../shared/remote/openssh/mux-wire.ts';

function packet(...fields: Buffer[]): Buffer {
  const body = Buffer.concat(fields);
  return Buffer.concat([uint32(body.length), body]);
}

const HELLO = packet(uint32(1), uint32(4));
const PROXIED = packet(uint32(0x8000000f), uint32(0));

function read(bytes: Buffer, step: number): string[] {
  const seen: string[] = [];
  let data = '';
  const reader = new MuxReader({
    greeted: () => seen.push('greeted'),
    message: (type, fields) => {
      if (data !== '') seen.push(data);
      data = '';
      seen.push(`message ${type} ${fields.uint32()}`);
    },
    data: (channel, code, part) => {
      data = `${data === '' ? `data ${channel} ${code ?? '-'} ` : data}${part.toString()}`;
    },
  });
  for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step));
  return data === '' ? seen : [...seen, data];
}

const CONVERSATION = Buffer.concat([
  HELLO,
  PROXIED,
  frame(MESSAGE.openConfirmation, [uint32(7), uint32(1), uint32(2), uint32(3)]),
  Buffer.concat([dataHead(7, 5), Buffer.from('hello')]),
  frame(MESSAGE.windowAdjust, [uint32(7), uint32(100)]),
  frame(MESSAGE.data, [uint32(7), text('')]),
  frame(MESSAGE.extendedData, [uint32(8), uint32(1), text('complaint')]),
  frame(MESSAGE.close, [uint32(7)]),
]);

describe('what a master says', () => {
  test.each([1, 2, 3, 5, 13, 1000])('is the same in pieces of %d bytes', (step) => {
    expect(read(CONVERSATION, step)).toEqual([
      'greeted',
      'message 91 7',
      'data 7 - hello',
      'message 93 7',
      'data 8 1 complaint',
      'message 97 7',
    ]);
  });

  test.each<[string, Buffer, RegExp]>([
    ['another version', packet(uint32(1), uint32(5)), /version 5/],
    ['a refusal', packet(uint32(0x80000003), uint32(0), text('not today')), /not today/],
    ['a length beyond reason', Buffer.from('ffffffff0000', 'hex'), /4294967295 bytes/],
    ['an answer that is none', packet(uint32(99), uint32(0)), /answers 99/],
    [
      'data longer than its message',
      Buffer.concat([HELLO, PROXIED, Buffer.from('0000000f005e000000070000ffff', 'hex')]),
      /wrong length/,
    ],
    ['a field that ends too early', Buffer.concat([HELLO, PROXIED, frame(MESSAGE.close, [])]), /too early/],
  ])('ends the line when it is %s', (_name, bytes, complaint) => {
    expect(() => read(bytes, 1000)).toThrow(complaint);
  });
});
