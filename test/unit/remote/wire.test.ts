/** What goes over the wire: complete scripts run, cut ones do nothing, and only a trailer is a trailer. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import {
  createNonce,
  formatGreeting,
  formatScript,
  formatTrailer,
  parseGreeting,
  parseScript,
  parseTrailer,
} from '../../../shared/remote/wire.ts';

const nonce = createNonce();

describe('the script on the wire', () => {
  const script = {
    name: 'touch-it',
    script: 'touch "$1/a"\ntouch "$1/b"\n# }\nprintf "%s" "$2"',
    args: ['', "it's\n-"],
    needs: 'root',
  } as const;

  test('cut anywhere, it does nothing at all', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stillpoint-wire-'));
    try {
      const whole = formatScript({ ...script, args: [folder, 'x'] }, nonce, false);
      // Without its last line end the script is whole: a shell runs a last line that the end of the file closes.
      for (let length = 0; length < whole.length - 1; length += 7) {
        const result = await execa('dash', ['-s'], { input: whole.subarray(0, length), reject: false });
        expect(await readdir(folder), `after ${length} bytes`).toEqual([]);
        expect(result.stdout).not.toContain(nonce);
      }
      for (let length = whole.length - 20; length < whole.length - 1; length += 1) {
        await execa('dash', ['-s'], { input: whole.subarray(0, length), reject: false });
        expect(await readdir(folder), `after ${length} bytes`).toEqual([]);
      }
      await execa('dash', ['-s'], { input: whole });
      expect((await readdir(folder)).toSorted()).toEqual(['a', 'b']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('is read back as it was meant', () => {
    for (const takesInput of [true, false]) {
      const bytes = formatScript(script, nonce, takesInput);
      const parsed = parseScript(Buffer.concat([bytes, Buffer.from('input')]));
      expect(parsed?.end).toBe(bytes.length);
      expect(parsed?.script).toMatchObject({ name: script.name, needs: 'root', script: script.script, takesInput });
      expect(parsed?.script.args.map(String)).toEqual([...script.args]);
      expect(parseScript(bytes.subarray(0, -1))).toBeUndefined();
    }
  });

  test('runs in an environment that the user cannot bend', async () => {
    const probe = {
      name: 'probe',
      script: 'echo "$PATH"; echo "$LC_ALL"; echo "${TAR_OPTIONS-unset}"; umask; tar --version >/dev/null && echo real',
      args: [],
      needs: 'user',
    } as const;
    const result = await execa('bash', ['--posix', '-s'], {
      input: formatScript(probe, nonce, false),
      env: { TAR_OPTIONS: '--remove-files', LC_ALL: 'de_DE.UTF-8', 'BASH_FUNC_tar%%': '() { echo hijacked; }' },
    });
    expect(result.stdout.split('\n').slice(1, -1)).toEqual([
      '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin',
      'C',
      'unset',
      '0077',
      'real',
    ]);
  });
});

describe('greeting and trailer', () => {
  test('a greeting is found behind what was typed before it', () => {
    const greeting = formatGreeting(nonce);
    expect(parseGreeting(Buffer.concat([Buffer.from('secret\n'), greeting]))).toEqual({
      nonce,
      end: greeting.length + 7,
    });
    expect(parseGreeting(greeting.subarray(0, -1))).toBeUndefined();
  });

  test.each([0, 1, 99, 255])('the trailer tells exit code %i', (exitCode) => {
    expect(parseTrailer(nonce, formatTrailer(nonce, exitCode))).toBe(exitCode);
  });

  test('what is not wholly a trailer is none', () => {
    const trailer = formatTrailer(nonce, 7);
    expect(parseTrailer(createNonce(), trailer)).toBeUndefined();
    expect(parseTrailer(nonce, trailer.subarray(0, -1))).toBeUndefined();
    expect(parseTrailer(nonce, Buffer.from(`${nonce}:0x7\n`))).toBeUndefined();
  });
});
