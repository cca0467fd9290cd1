/** The words of OpenSSH's client: what it asks, what it writes down, and what is made of both. */
import { describe, expect, test } from 'vitest';
import { readClientLog, whyGone, whyNotForwarded } from '../../../shared/remote/openssh/client-log.ts';
import { failureOf } from '../../../shared/remote/openssh/failure.ts';
import { parsePrompt } from '../../../shared/remote/openssh/prompts.ts';
import { Questions } from '../../../shared/remote/openssh/questions.ts';
import { parseSshConfig } from '../../../shared/remote/ssh/openssh-config.ts';
import { connectionLost, notReachedThrough } from '../../../shared/remote/ssh/ssh-errors.ts';
import { aPerson } from '../../support/remote/people.ts';

const FINGERPRINT = 'SHA256:7KoJHZuhVfFE3CFNDTCjlKZusdHyS3WDs1IlU5L5Ink';

function hostKeyPrompt(more = '', ending = '.'): string {
  return [
    `The authenticity of host '[db1]:2222 ([192.0.2.1]:2222)' can't be established${ending}`,
    `ED25519 key fingerprint is ${FINGERPRINT}.`,
    ...(more === '' ? [] : [more]),
    'Are you sure you want to continue connecting (yes/no/[fingerprint])? ',
  ].join('\n');
}

describe('a prompt', () => {
  const others = 'This host key is known by the following other names/addresses:\n    ~/.ssh/known_hosts:1: db2';
  test.each([
    ['of an unknown key', hostKeyPrompt('This key is not known by any other names.'), false],
    ['… without that line', hostKeyPrompt(), false],
    ['… known by another name', hostKeyPrompt(others), false],
    ['… with others known', hostKeyPrompt('', ',\nbut keys of different type are already known for this host.'), true],
  ])('%s is understood', (_name, text, othersKnown) => {
    expect(parsePrompt(text, undefined)).toEqual({
      kind: 'host-key',
      keyType: 'ED25519',
      fingerprint: FINGERPRINT,
      othersKnown,
    });
  });

  test.each([
    ['another end', hostKeyPrompt().replace('[fingerprint])? ', '[fingerprint]): ')],
    ['a fingerprint that is none', hostKeyPrompt().replace(FINGERPRINT, 'SHA256:short')],
    ['words in front', `Hello. ${hostKeyPrompt()}`],
    ['two of them', `${hostKeyPrompt()}\n${hostKeyPrompt()}x`],
  ])('of a host key with %s is not taken for one', (_name, text) => {
    expect(parsePrompt(text, undefined).kind).toBe('other');
  });

  test.each([
    ["Enter passphrase for key '/home/ann/.ssh/id rsa': ", { kind: 'passphrase', file: '/home/ann/.ssh/id rsa' }],
    ["Enter PIN for 'YubiKey PIV': ", { kind: 'pin', device: 'YubiKey PIV' }],
    ['Enter PIN for ED25519-SK key /k: ', { kind: 'pin', device: 'ED25519-SK key /k' }],
    ['Enter PIN and confirm user presence for ED25519-SK key /k: ', { kind: 'pin', device: 'ED25519-SK key /k' }],
    ["ann@db1's password: ", { kind: 'password', account: 'ann@db1' }],
    ['(ann@db1) Password: ', { kind: 'question', account: 'ann@db1', text: 'Password: ' }],
    ['(ann@db1) Code\nfor today: ', { kind: 'question', account: 'ann@db1', text: 'Code\nfor today: ' }],
    ["Enter ann@db1's new password: ", { kind: 'password-change', account: 'ann@db1' }],
    ['Accept updated hostkeys? (yes/no): ', { kind: 'side-question' }],
    ['What else?', { kind: 'other', text: 'What else?' }],
  ])('%j is known for what it is', (text, prompt) => {
    expect(parsePrompt(text, undefined)).toEqual(prompt);
  });

  test('of the server cannot pretend to be one of ours', () => {
    const sly = "(ann@db1) Enter passphrase for key '/home/ann/.ssh/id_ed25519': ";
    expect(parsePrompt(sly, undefined)).toMatchObject({ kind: 'question', account: 'ann@db1' });
    expect(parsePrompt(`(ann@db1) ${hostKeyPrompt()}`, undefined)).toMatchObject({ kind: 'question' });
  });

  test('is a notice or a side question where OpenSSH says so', () => {
    expect(parsePrompt('Confirm user presence for key ED25519-SK', 'none').kind).toBe('touch');
    expect(parsePrompt('Allow use of key x?', 'confirm').kind).toBe('side-question');
  });
});

const LOG = `debug1: Connecting to 192.0.2.1 [192.0.2.1] port 2222.
debug1: identity file /home/ann/.ssh/id_rsa type -1
debug1: Server host key: ssh-ed25519 ${FINGERPRINT}
debug1: Authentications that can continue: publickey,password
debug1: Next authentication method: publickey
debug1: Offering public key: ann at home ED25519 SHA256:aaa explicit agent
debug1: Authentications that can continue: publickey,password
debug1: Offering public key: /home/ann/my key RSA SHA256:bbb explicit
debug1: Server accepts key: /home/ann/my key RSA SHA256:bbb explicit
Load key "/home/ann/my key": error in libcrypto
no such identity: /nowhere/key: No such file or directory
debug1: Next authentication method: password
debug1: Authentications that can continue: publickey,password
Permission denied, please try again.
ann@192.0.2.1: Permission denied (publickey,password).
`;

const question = { alias: 'db1', homeFolder: '/home/ann' };
const config = parseSshConfig(question, 'hostname 192.0.2.1\nport 2222\nuser ann\n');

function failed(log: string, more: Partial<Parameters<typeof failureOf>[0]> = {}) {
  const about = { config, log, stderr: '', budgetMs: 15_000, declined: [], mayAsk: true, otherKeys: [] };
  return failureOf({ ...about, fingerprintAt: () => undefined, revokedAt: () => undefined, ...more });
}

describe('the log of the client', () => {
  test('tells what was tried and what became of it', () => {
    expect(readClientLog(LOG)).toMatchObject({
      hostKey: { type: 'ssh-ed25519', fingerprint: FINGERPRINT },
      tried: ['agent key "ann at home" (SHA256:aaa): refused', 'password: refused'],
      unusable: [
        'key file "/home/ann/my key": cannot be used (error in libcrypto)',
        'key file "/nowhere/key": is not there',
      ],
      takes: ['publickey', 'password'],
    });
  });

  test('tells why a connection is gone', () => {
    expect(whyGone(`${LOG}Timeout, server 192.0.2.1 not responding.\n`)).toBe(
      'Timeout, server 192.0.2.1 not responding.',
    );
    expect(whyGone('debug1: nothing\n')).toBeUndefined();
    expect(whyGone('client_loop: send disconnect: Broken pipe\n')).toBe('Broken pipe');
    const lost = connectionLost('db1', 'Timeout, server 192.0.2.1 not responding.', undefined);
    expect(lost.message).toBe('The connection to "db1" was lost: Timeout, server 192.0.2.1 not responding.');
  });
});

describe('a host on the way that leads no further', () => {
  const target = parseSshConfig({ ...question, alias: 'db2' }, 'hostname 10.0.0.2\nport 9\nuser ann\n');
  test.each([
    ['connect failed: Connection refused', /^The host "db2" \(10.0.0.2, port 9\) refuses the connection from "db1"/],
    ['connect failed: Temporary failure in name resolution', /^The host "db2" cannot be found from "db1"/],
    ['connect failed: Name or service not known', /^The host "db2" cannot be found from "db1"/],
    ['connect failed: No route to host', /^The host "db2" \(.*\) cannot be reached from "db1".*No route to host\.$/],
    ['administratively prohibited: open failed', /^"db1", which leads to "db2" \(.*\), forbids/],
  ])('is not taken for the host behind it: %s', (why, message) => {
    const log = `Authenticated to 192.0.2.1 using "publickey".\nchannel 0: open failed: ${why}\nstdio forwarding failed\n`;
    expect(whyNotForwarded(log)).toBe(why);
    const error = notReachedThrough(config, target, why);
    expect(error).toMatchObject({ code: 'ssh.unreachable', details: { host: 'db2', through: 'db1' } });
    expect(error.message).toMatch(message);
  });

  test('is one only where OpenSSH says so', () => {
    expect(whyNotForwarded('Authenticated to x.\nConnection closed\n')).toBeUndefined();
    expect(whyNotForwarded('stdio forwarding failed\n')).toBe('OpenSSH does not say why');
  });
});

describe('a failure', () => {
  test.each<[string, string, object]>([
    ['a login', LOG, { code: 'ssh.auth-failed' }],
    [
      'too many keys',
      'Received disconnect from 192.0.2.1 port 2222:2: Too many authentication failures\n',
      { code: 'ssh.auth-failed', advice: expect.stringContaining('IdentitiesOnly yes') as string },
    ],
    [
      'a changed key',
      '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nOffending ED25519 key in /kh:3\nHost key verification failed.\n',
      { code: 'ssh.host-key-changed', details: { file: '/kh', line: 3 } },
    ],
    [
      'a key in a list of revoked ones',
      'Host key ED25519 SHA256:x revoked by file /revoked\nHost key verification failed.\n',
      { code: 'ssh.host-key-revoked', details: { by: '/revoked' } },
    ],
    ['an unknown key', 'Host key verification failed.\n', { code: 'ssh.host-key-unknown' }],
    [
      'no common algorithm',
      'Unable to negotiate with 192.0.2.1 port 2222: no matching host key type found. Their offer: ssh-rsa,ssh-dss\n',
      { code: 'ssh.unreachable', advice: expect.stringContaining('HostKeyAlgorithms +ssh-rsa.') as string },
    ],
    ['a refusal', 'ssh: connect to host 192.0.2.1 port 2222: Connection refused\n', { code: 'ssh.unreachable' }],
    ['silence', 'Connection timed out during banner exchange\n', { code: 'ssh.deadline' }],
    ['nothing said', '', { code: 'ssh.unreachable' }],
  ])('by %s has its code', (_name, log, error) => {
    expect(failed(log)).toMatchObject(error);
  });

  const NO_CIPHER = 'Unable to negotiate with 192.0.2.1 port 2222: no matching';
  test.each([
    ['cipher', 'chacha20-poly1305@openssh.com,aes128-ctr', 'Ciphers'],
    ['host key type', 'ssh-ed25519', 'HostKeyAlgorithms'],
    ['key exchange method', 'diffie-hellman-group1-sha1,curve25519-sha256', 'KexAlgorithms'],
  ])('by a %s that the configuration leaves out does not call the host too old', (kind, offer, keyword) => {
    const { advice } = failed(`${NO_CIPHER} ${kind} found. Their offer: ${offer}\n`);
    expect(advice).toMatch(new RegExp(`^Your SSH configuration allows this host none of these: look at ${keyword} in`));
    expect(advice).toContain('"ssh -G db1"');
  });

  test.each([
    ['cipher', 'aes256-cbc,3des-cbc'],
    ['MAC', 'hmac-sha1,hmac-md5'],
    ['key exchange method', 'diffie-hellman-group14-sha1'],
  ])('by an obsolete %s calls the host too old', (kind, offer) => {
    expect(failed(`${NO_CIPHER} ${kind} found. Their offer: ${offer}\n`).advice).toContain('too old');
  });

  test('by a variable that is not set is one of the configuration', () => {
    const { code, message } = failed(
      'vdollar_percent_expand: env var ${KEYS} has no value\ninvalid environment variable expansion\n',
    );
    expect(code).toBe('ssh.config');
    expect(message).toContain('the environment variable "KEYS", which is not set');
  });

  test('does not say that what nobody was asked for was refused', () => {
    const log = LOG.replace(/debug1: Authentications that can continue: publickey,password\nPermission[^]*$/, '');
    const { message } = failed(log, { declined: ['password: not given'] });
    expect(message).toContain('password: not given');
    expect(message).not.toContain('password: refused');
    expect(failed(LOG).message).toContain('password: refused');
  });

  test('never advises to take a key from the network', () => {
    for (const log of [LOG, 'Host key verification failed.\n']) expect(failed(log).advice).not.toContain('keyscan');
  });

  test.each([
    ['No such file or directory', '/etc/ssh/revoked: old'],
    ['Permission denied', '/etc/ssh/revoked'],
    ['error in libcrypto', '/etc/ssh/my revoked'],
  ])('by revoked keys that cannot be read (%s) is not called an unknown key', (why, file) => {
    const log = `Error checking host key ED25519 ${FINGERPRINT} in revoked keys file ${file}: ${why}\nHost key verification failed.\n`;
    const { code, message } = failed(log, { otherKeys: [`ssh-ed25519 ${FINGERPRINT}`] });
    expect(code).toBe('ssh.config');
    expect(message).toBe(`The revoked host keys for "db1" cannot be read: "${file}" (RevokedHostKeys): ${why}.`);
  });

  test.each([
    'Could not stat KnownHostsCommand-HOSTNAME "/nonexistent/khc": No such file or directory',
    'KnownHostsCommand-HOSTNAME "/bin/false" failed with status 1',
  ])('by a key that a command should have known names that: %s', (line) => {
    const { code, advice } = failed(`${line}\nNo ED25519 host key is known.\nHost key verification failed.\n`);
    expect(code).toBe('ssh.host-key-unknown');
    expect(advice).toContain(line.slice(0, 26));
    expect(failed('Host key verification failed.\n').advice).not.toContain('KnownHostsCommand');
  });

  test.each([
    ['', '"ssh db1" once and answer with that fingerprint.', true],
    ['stricthostkeychecking true\n', '"ssh -o StrictHostKeyChecking=ask db1" once', false],
    ['batchmode yes\n', '"ssh -o BatchMode=no db1" once', false],
  ])('by an unknown key advises a command that asks about it, also with: %j', (line, command, personHelps) => {
    const asIs = parseSshConfig(question, `hostname 192.0.2.1\nport 2222\nuser ann\n${line}`);
    const { advice, details } = failed('Host key verification failed.\n', { config: asIs });
    expect(advice).toContain(command);
    expect(details).toMatchObject({ personHelps });
  });

  test.each([
    ['db1', 'Correct the name, or add the host'],
    ['db1:2222', 'A port is no part of a name: write "HostName" and "Port" into your SSH configuration'],
    ['fe80::1', 'Correct the name, or add the host'],
  ])('by the name %s that has no address says where what is right is written', (name, start) => {
    const asIs = parseSshConfig({ ...question, alias: name }, `hostname ${name}\nport 22\nuser ann\n`);
    const { advice } = failed(`ssh: Could not resolve hostname ${name}: unknown\n`, { config: asIs });
    expect(advice.startsWith(start)).toBe(true);
  });

  test('by a key that known_hosts calls revoked names file and line', () => {
    const log = `debug1: Server host key: ssh-ed25519 ${FINGERPRINT}\n@  WARNING: REVOKED HOST KEY DETECTED!  @\nHost key verification failed.\n`;
    const { message } = failed(log, { revokedAt: (key) => (key === FINGERPRINT ? '/kh, line 7' : undefined) });
    expect(message).toContain('marked as revoked (/kh, line 7)');
  });

  const BEGUN = 'debug1: SSH2_MSG_SERVICE_ACCEPT received\ndebug1: Authentications that can continue: publickey\n';
  const ACCEPTED = `debug1: Server accepts key: /k ED25519 ${FINGERPRINT} explicit\n`;
  test.each([
    [
      'an account that has expired',
      `${ACCEPTED}Connection closed by UNKNOWN port 65535\n`,
      'Your account has expired.\n',
    ],
    ['a host that is going down', 'Connection reset by 192.0.2.1 port 2222\n', 'System is going down.\n'],
    ['a host that says goodbye', 'Received disconnect from 192.0.2.1 port 2222:2: Not today\n', ''],
  ])('by %s is one of the login, and not of the way to the host', (_name, end, stderr) => {
    const { code, message, advice } = failed(`${BEGUN}${end}`, { stderr });
    expect(code).toBe('ssh.auth-failed');
    expect(message).toMatch(/^The host "db1" ended the login of "ann".* It said: "(Your account|System|Not today)/);
    expect(message.includes(`accepted key file "/k" (${FINGERPRINT})`)).toBe(end.startsWith(ACCEPTED));
    expect(advice).toContain('locked');
  });

  test.each([
    ['a web server', 'HTTP/1.1 400 Bad Request', 'Connection closed by remote host'],
    ['a mail server', '220 mail ESMTP', 'read: Connection reset by peer'],
  ])('by %s says that it is no SSH server', (_name, line, end) => {
    const log = `debug1: kex_exchange_identification: banner line 0: ${line}\nkex_exchange_identification: ${end}\n`;
    expect(failed(log).message).toBe(
      `What answers for "db1" (192.0.2.1, port 2222) does not speak SSH. It said: "${line}".`,
    );
  });

  test('by a connection that is closed unheard has no words of OpenSSH for programmers', () => {
    const log =
      'kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n';
    const direct = failed(log);
    expect(direct.message).toBe(
      'The connection to "db1" (192.0.2.1, port 2222) was closed before an SSH server had greeted.',
    );
    expect(direct.advice).toContain('MaxStartups');
    const behind = parseSshConfig(question, 'hostname x\nport 22\nuser ann\nproxycommand nc %h\n');
    const { message, advice } = failed(log, { config: behind, stderr: 'nc: gone\n' });
    expect(message).toContain('Its ProxyCommand said: "nc: gone".');
    expect(advice).not.toContain('MaxStartups');
  });

  test.each([
    ['/etc/ssh/work', 'ssh -F /etc/ssh/work db1'],
    ["/home/ann/it's mine", "ssh -F '/home/ann/it'\\''s mine' db1"],
    [undefined, 'ssh db1'],
  ])('advises the command that reads the same configuration: %s', (configFile, command) => {
    const read = configFile === undefined ? question : { ...question, configFile };
    const other = parseSshConfig(read, 'hostname 192.0.2.1\nport 2222\nuser ann\n');
    for (const log of [LOG, 'Host key verification failed.\n', `${BEGUN}Connection closed by x\n`, ''])
      expect(failed(log, { config: other }).advice).toContain(`"${command}"`);
  });

  test('names the other keys that are known', () => {
    const other = 'ssh-rsa SHA256:other';
    expect(failed('Host key verification failed.\n', { otherKeys: [other] }).message).toContain(other);
  });
});

test('a key that the person does not trust is known before the client says anything of it', async () => {
  const questions = new Questions({
    prompter: aPerson([], false),
    way: [{ question, config }],
    host: 'db1',
    log: async () => '',
    notice: () => undefined,
  });
  let hasStopped = false;
  void questions.stopped.then(() => (hasStopped = true));
  const asked = { hop: 0, text: hostKeyPrompt(), hint: undefined };
  expect(await questions.answer(asked, AbortSignal.timeout(5000))).toBeUndefined();
  expect([hasStopped, questions.refusedKey]).toEqual([
    true,
    { config, keyType: 'ED25519', fingerprint: FINGERPRINT, otherKeys: [] },
  ]);
});
