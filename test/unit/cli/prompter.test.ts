/** Questions to a person: what is typed is not shown, and every way out of the question is an answer. */
import { EventEmitter } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { TerminalPrompter } from '../../../cli/prompter.ts';
import { never } from '../../../shared/base/cancel.ts';
import { redact } from '../../../shared/base/log.ts';
import type { Question } from '../../../shared/domain/prompter.ts';

class Keyboard extends EventEmitter {
  raw = false;
  reading = false;
  setRawMode(raw: boolean): this {
    this.raw = raw;
    return this;
  }
  setEncoding(): this {
    return this;
  }
  resume(): this {
    this.reading = true;
    return this;
  }
  pause(): this {
    this.reading = false;
    return this;
  }
}

function asking(question: Partial<Question> = {}, signal: AbortSignal = never, choosesPassword = false) {
  const keyboard = new Keyboard();
  const screen: string[] = [];
  type Streams = ConstructorParameters<typeof TerminalPrompter>;
  const output = {
    write: (text: string) => {
      if (text.endsWith(': ') && !keyboard.raw) screen.push('[the terminal echoes] ');
      return screen.push(text) > 0;
    },
  };
  const onInterrupt = vi.fn<() => void>();
  const prompter = new TerminalPrompter(keyboard as unknown as Streams[0], output, { choosesPassword, onInterrupt });
  const full: Question = {
    kind: 'key-passphrase',
    subject: 'db1',
    key: '/home/ann/.ssh/id_ed25519',
    text: 'Passphrase of /home/ann/.ssh/id_ed25519:',
    echo: false,
    ...question,
  };
  return {
    keyboard,
    screen: () => screen.join(''),
    prompter,
    onInterrupt,
    /** The question is on the screen when this returns. */
    async answer() {
      const answered = prompter.ask(full, signal);
      await vi.waitFor(() => expect(screen).not.toEqual([]));
      return { answered };
    },
  };
}

describe('a secret', () => {
  test('is read without being shown, and is a secret from then on', async () => {
    const { keyboard, screen, answer } = asking();
    const { answered } = await answer();
    expect(keyboard.raw).toBe(true);
    keyboard.emit('data', 'corrext');
    keyboard.emit('data', '\u007f\u007fct horse\r');
    expect(await answered).toBe('correct horse');
    expect(screen()).toBe('Passphrase of /home/ann/.ssh/id_ed25519: \n');
    expect(redact('it was correct horse')).toBe('it was [redacted]');
    expect([keyboard.raw, keyboard.reading, keyboard.listenerCount('data')]).toEqual([false, false, 0]);
  });

  test.each([
    ['Ctrl-C', 'half\u0003', 1],
    ['Ctrl-D', '\u0004', 0],
  ])('%s declines, and Ctrl-C is an interrupt', async (_, keys, interrupts) => {
    const { keyboard, answer, onInterrupt } = asking();
    const { answered } = await answer();
    keyboard.emit('data', keys);
    expect(await answered).toBeUndefined();
    expect(keyboard.raw).toBe(false);
    expect(onInterrupt).toHaveBeenCalledTimes(interrupts);
  });

  test('the end of input declines', async () => {
    const { keyboard, answer } = asking();
    const { answered } = await answer();
    keyboard.emit('end');
    expect(await answered).toBeUndefined();
  });

  test('the signal ends the question and gives the terminal back', async () => {
    const controller = new AbortController();
    const { keyboard, answer } = asking({}, controller.signal);
    const { answered } = await answer();
    controller.abort();
    expect(await answered).toBeUndefined();
    expect(keyboard.raw).toBe(false);
    const late = asking({}, controller.signal);
    expect(
      await late.prompter.ask(
        { kind: 'ssh-password', subject: 'db1', key: 'ann@db1:22', text: '?', echo: false },
        controller.signal,
      ),
    ).toBeUndefined();
    expect(late.screen()).toBe('');
    expect(late.keyboard.reading).toBe(false);
  });

  test('an empty answer is an answer', async () => {
    const { keyboard, answer } = asking();
    const { answered } = await answer();
    keyboard.emit('data', '\r');
    expect(await answered).toBe('');
  });
});

test('what may be shown is shown as it is typed and mended', async () => {
  const { keyboard, screen, answer } = asking({ echo: true, text: 'Code:' });
  const { answered } = await answer();
  keyboard.emit('data', '12x\u007f3\u00154\u00075\n');
  expect(await answered).toBe('45');
  expect(screen()).toBe('Code: 12x\b \b3\b \b\b \b\b \b45\n');
});

test('a question from a host cannot draw on the terminal', async () => {
  const { keyboard, screen, answer } = asking({ text: '\u001b[2JPassword:\u0007' });
  const { answered } = await answer();
  keyboard.emit('data', '\r');
  await answered;
  expect(screen()).toBe('\\x1b[2JPassword:\\x07 \n');
});

test.each([
  ['sudo password of "ann" on "db1" (the last one was wrong)', ': '],
  ['Passphrase for key "/k"', ': '],
  ['Password:', ' '],
  ['Which code? ', ' '],
])('a question ends like one: %s', async (text, end) => {
  const { keyboard, screen, answer } = asking({ text });
  const { answered } = await answer();
  keyboard.emit('data', '\r');
  await answered;
  expect(screen()).toBe(`${text.trim()}${end}\n`);
});

test.each([
  ['yes', true],
  ['YES ', true],
  ['y', false],
  ['', false],
  ['no', false],
])('a host key with the answer "%s": %s', async (typed, trusted) => {
  const { keyboard, screen, prompter } = asking();
  const offer = {
    host: 'db1',
    address: '[db1.example]:2222',
    keyType: 'ssh-ed25519',
    fingerprint: 'SHA256:abc',
    otherKeys: ['ssh-rsa SHA256:old'],
  };
  const answered = prompter.confirmHostKey(offer, never);
  await vi.waitFor(() => expect(keyboard.reading).toBe(true));
  keyboard.emit('data', `${typed}\r`);
  expect(await answered).toBe(trusted);
  expect(screen()).toContain('"db1" ([db1.example]:2222)');
  expect(screen()).toContain('  ssh-ed25519 SHA256:abc\n  known so far: ssh-rsa SHA256:old\n');
});

describe('a password that is chosen', () => {
  const question = { kind: 'repository-password', subject: 'main', key: '/repo', text: 'Password of "main":' } as const;

  test('is typed until it is the same twice', async () => {
    const { keyboard, screen, answer } = asking(question, never, true);
    const { answered } = await answer();
    for (const line of ['one-time', 'one-tine', 'two-times', 'two-times']) {
      await vi.waitFor(() => expect(keyboard.reading).toBe(true));
      keyboard.emit('data', `${line}\r`);
    }
    expect(await answered).toBe('two-times');
    expect(screen()).toContain('These were different. Again:\n');
  });

  test('is not chosen when the second typing is declined', async () => {
    const { keyboard, answer } = asking(question, never, true);
    const { answered } = await answer();
    keyboard.emit('data', 'one-time\r');
    await vi.waitFor(() => expect(keyboard.reading).toBe(true));
    keyboard.emit('data', '\u0003');
    expect(await answered).toBeUndefined();
  });

  test('other questions are asked once even then', async () => {
    const { keyboard, answer } = asking({}, never, true);
    const { answered } = await answer();
    keyboard.emit('data', 'passphrase\r');
    expect(await answered).toBe('passphrase');
  });
});

test('two questions at a time come one after the other', async () => {
  const { keyboard, screen, prompter } = asking();
  const question = { kind: 'sudo-password', subject: 'db1', key: 'ann', text: 'First:', echo: false } as const;
  const first = prompter.ask(question, never);
  const second = prompter.ask({ ...question, text: 'Second:' }, never);
  await vi.waitFor(() => expect(keyboard.reading).toBe(true));
  expect(screen()).toBe('First: ');
  keyboard.emit('data', 'a\r');
  expect(await first).toBe('a');
  await vi.waitFor(() => expect(screen()).toContain('Second: '));
  keyboard.emit('data', 'b\r');
  expect(await second).toBe('b');
});
