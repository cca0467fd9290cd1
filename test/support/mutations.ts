/** Changes to what is stored, by numbers that are drawn: some keep the form and change a value, others break it. */

type Draw = () => number;

const VALUES = [
  '-1',
  '0',
  '1.5',
  '1e308',
  '4294967295',
  '2147483648',
  '9007199254740993',
  '18446744073709551616',
  'null',
  'true',
  '""',
  '"."',
  '".."',
  '"a/b"',
  '"\\u0000"',
  '"\\ud800"',
  `"${'f'.repeat(64)}"`,
  '[]',
  '{}',
  '[[[[]]]]',
  '{"__proto__":{"a":1}}',
  `${'['.repeat(3000)}${']'.repeat(3000)}`,
  `"${'x'.repeat(100_000)}"`,
];

/** A text of JSON with some values replaced, fields doubled or left out, or bytes changed. */
export function mutatedText(text: Buffer, draw: Draw): Buffer {
  let json = text.toString('latin1');
  for (let count = (draw() % 3) + 1; count > 0; count--) json = mutateOnce(json, draw);
  const result = Buffer.from(json, 'latin1');
  return draw() % 8 === 0 ? mutatedBytes(result, draw) : result;
}

function mutateOnce(json: string, draw: Draw): string {
  const values = [...json.matchAll(/:("(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|true|false|null)/g)];
  const chosen = values[draw() % Math.max(1, values.length)];
  if (chosen === undefined) return json;
  const start = chosen.index + 1;
  const end = chosen.index + chosen[0].length;
  const value = VALUES[draw() % VALUES.length] ?? 'null';
  switch (draw() % 4) {
    case 0:
    case 1:
      return json.slice(0, start) + value + json.slice(end);
    case 2: {
      // The field once more, with another value.
      const name = /"[^"]*"$/.exec(json.slice(0, chosen.index))?.[0] ?? '"x"';
      return `${json.slice(0, end)},${name}:${value}${json.slice(end)}`;
    }
    default: {
      const name = /,?"[^"]*"$/.exec(json.slice(0, chosen.index))?.[0] ?? '';
      return json.slice(0, chosen.index - name.length) + json.slice(end);
    }
  }
}

/** Bytes flipped, cut, doubled, or others in their place. */
export function mutatedBytes(bytes: Buffer, draw: Draw): Buffer {
  const at = bytes.length === 0 ? 0 : draw() % bytes.length;
  switch (draw() % 5) {
    case 0: {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (draw() % 8));
      return flipped;
    }
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes, bytes.subarray(at)]);
    case 3:
      return Buffer.from(Array.from({ length: draw() % 200 }, () => draw() % 256));
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(draw() % 5000, draw() % 256), bytes.subarray(at)]);
  }
}
