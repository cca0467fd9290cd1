/** What goes over the wire: complete scripts run, cut ones do nothing, and only a trailer is a trailer. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { USER_COMMAND_LINE } from '../../../shared/remote/sudo.ts';
import { createNonce, formatGreeting, formatScript, formatTrailer, parseTrailer } from '../../../shared/remote/wire.ts';
import { parseGreeting, parseScript } from '../../support/remote/spoken-script.ts';

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
      const whole = formatScript({ ...script, args: [folder, 'x'] }, nonce, { takesInput: false, readsOn: false });
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
      const bytes = formatScript(script, nonce, { takesInput, readsOn: false });
      const parsed = parseScript(Buffer.concat([bytes, Buffer.from('input')]));
      expect(parsed?.end).toBe(bytes.length);
      expect(parsed?.script).toMatchObject({ name: script.name, needs: 'root', script: script.script, takesInput });
      expect(parsed?.script.args.map(String)).toEqual([...script.args]);
      expect(parseScript(bytes.subarray(0, -1))).toBeUndefined();
    }
  });

  test.for(['dash', 'bash', 'busybox'])('runs under %s in an environment of ours alone', async (shell, { skip }) => {
    if (!existsSync(`/usr/bin/${shell}`)) skip(`there is no ${shell} here`);
    const probe = {
      name: 'probe',
      script: `env; umask; pwd; printf '%s' "$IFS" | od -An -c; set | grep -c '() ' ; date +%H -d @0; tar --version >/dev/null && echo real`,
      args: [],
      needs: 'user',
    } as const;
    const child = execa(`/usr/bin/${shell}`, [...(shell === 'busybox' ? ['sh'] : []), '-c', USER_COMMAND_LINE], {
      extendEnv: false,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: '/nowhere',
        LC_ALL: 'de_DE.UTF-8',
        TZ: 'Asia/Tokyo',
        IFS: 'x',
        CDPATH: '/etc',
        TAR_OPTIONS: '--remove-files',
        POSIXLY_CORRECT: '1',
        LVM_SYSTEM_DIR: '/nowhere',
        LVM_COMMAND_PROFILE: 'report_json',
        DM_DEFAULT_NAME_MANGLING_MODE: 'none',
        LD_LIBRARY_PATH: '/nowhere',
        SYSTEMD_LOG_LEVEL: 'debug',
        SHELLOPTS: 'xtrace:noglob',
        ENV: '/etc/profile',
        'BASH_FUNC_tar%%': '() { echo hijacked; }',
        'BASH_FUNC_printf%%': '() { echo hijacked; }',
        'BASH_FUNC_env%%': '() { echo hijacked; }',
      },
    });
    let said = '';
    child.stdin.write(formatGreeting(nonce));
    child.stdout.on('data', (chunk: Buffer) => {
      const before = said;
      said += chunk.toString('latin1');
      // Not before: a shell may read ahead.
      if (!before.includes(nonce) && said.includes(nonce))
        child.stdin.end(formatScript(probe, nonce, { takesInput: false, readsOn: false }));
    });
    const { stderr } = await child;
    expect(stderr.slice(stderr.indexOf(`${nonce}+`))).toBe(`${nonce}+\n${nonce}:000`);
    const lines = said
      .slice(said.indexOf(`${nonce}+\n`))
      .split('\n')
      .slice(1, -2);
    const isVariable = (line: string): boolean => /^[A-Z_]+=/.test(line);
    expect(lines.filter((line) => isVariable(line) && !/^(PWD|OLDPWD|SHLVL|_)=/.test(line)).toSorted()).toEqual([
      'LC_ALL=C',
      'PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin',
    ]);
    expect(lines.filter((line) => !isVariable(line)).map((line) => line.trim())).toEqual([
      '0077',
      '/',
      String.raw`\t  \n`,
      expect.stringMatching(/^[02]$/) as unknown,
      '00',
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
