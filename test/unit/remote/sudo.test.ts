/** What is advised where sudo does not let us: the remedy has to fit the reason that sudo gives. */
import { expect, test } from 'vitest';
import { findRootAccess, type SudoOutput, type SudoPorts } from '../../../shared/remote/sudo.ts';

function refusing(stderr: string, code = 1): SudoPorts {
  const output: SudoOutput = { code, stdout: '', stderr, prompts: 0 };
  return {
    host: 'db1',
    mode: 'passwordless',
    whoAmI: async () => ({ uid: 1000, name: 'ann' }),
    run: async () => output,
    mayAsk: false,
    askPassword: async () => undefined,
  };
}

test.each<[string, number?]>([
  ['sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set'],
  ["env: 'sudo': Permission denied", 126],
  ['env: sudo: Permission denied', 126],
  ["sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set?"],
  ['sudo: The "no new privileges" flag is set, which prevents sudo from running as root.'],
  ['sudo-rs: sudo must be setuid root'],
])('a sudo that could help nobody is to be repaired, and not given another rule: %s', async (stderr, code) => {
  await expect(findRootAccess(refusing(stderr, code))).rejects.toMatchObject({
    code: 'remote.sudo-refused',
    message: expect.stringContaining(stderr.slice(0, 8)) as string,
    advice: expect.stringMatching(/^sudo itself does not work there/) as string,
  });
});

test.each([
  ['ann is not in the sudoers file.', /^Add "ann ALL=\(root\) NOPASSWD: \/bin\/sh -s"/],
  ['sudo: a password is required', /^sudo wants a password/],
  ['sudo: sorry, you must have a tty to run sudo', /!requiretty/],
])('a sudo that works and refuses needs a rule: %s', async (stderr, advice) => {
  await expect(findRootAccess(refusing(stderr))).rejects.toMatchObject({
    advice: expect.stringMatching(advice) as string,
  });
});

test('a person at a terminal can help where a password is asked for, and nowhere else', async () => {
  const wants = { ...refusing('sudo: a password is required'), mode: 'password' } as const;
  await expect(findRootAccess(wants)).rejects.toMatchObject({ details: { personHelps: true } });
  for (const ports of [{ ...refusing(''), mode: 'none' } as const, refusing('sudo: a password is required')]) {
    await expect(findRootAccess(ports)).rejects.not.toMatchObject({ details: { personHelps: true } });
  }
});
