import { describe, expect, test } from 'vitest';
import { type Answer, type Memory, type Person, PersonPrompter } from '../../../extension/prompter.ts';
import { isRememberable, RememberedSecrets } from '../../../extension/secrets.ts';
import { never } from '../../../shared/base/cancel.ts';
import type { Question } from '../../../shared/domain/prompter.ts';

const question: Question = {
  kind: 'repository-password',
  subject: 'main',
  key: '/repo',
  text: 'Password',
  echo: false,
};
const words = { refused: 'Refused.', typeTwice: 'Once more.', different: 'Different.' };

/** A person who gives these answers in turn and remembers what they were told. */
function scripted(answers: readonly (Answer | undefined)[]): Person & { readonly told: (string | undefined)[] } {
  const left = [...answers];
  const told: (string | undefined)[] = [];
  return {
    told,
    answer: (_question, again) => {
      told.push(again);
      if (left.length === 0) throw new Error('asked more often than expected');
      return Promise.resolve(left.shift());
    },
    trustHostKey: () => Promise.resolve(false),
  };
}

function memory(values: Record<string, string> = {}): Memory & { readonly values: Record<string, string> } {
  return {
    values,
    recall: ({ subject }) => Promise.resolve(values[subject]),
    remember: ({ subject }, value) => {
      values[subject] = value;
      return Promise.resolve();
    },
    forget: ({ subject }) => {
      delete values[subject];
      return Promise.resolve();
    },
  };
}

const typed = (text: string, remember = false): Answer => ({ text, remember });

test('a remembered answer spares the question', async () => {
  const person = scripted([]);
  const prompter = new PersonPrompter(person, memory({ main: 'secret' }), words);
  expect(await prompter.conversation(() => prompter.ask(question, never))).toBe('secret');
});

test('a remembered answer that was refused is asked for, with the reason, and replaced', async () => {
  const person = scripted([typed('right', true)]);
  const kept = memory({ main: 'wrong' });
  const prompter = new PersonPrompter(person, kept, words);
  const answers = await prompter.conversation(async () => [
    await prompter.ask(question, never),
    await prompter.ask(question, never),
  ]);
  expect(answers).toEqual(['wrong', 'right']);
  expect(person.told).toEqual(['Refused.']);
  prompter.settle(question, 'proved');
  expect(kept.values).toEqual({ main: 'right' });
});

test('a new conversation trusts the memory again', async () => {
  const prompter = new PersonPrompter(scripted([]), memory({ main: 'secret' }), words);
  const once = () => prompter.conversation(() => prompter.ask(question, never));
  expect([await once(), await once()]).toEqual(['secret', 'secret']);
});

describe('what is to be remembered', () => {
  test('is stored when it was proved, and not before', async () => {
    const kept = memory();
    const prompter = new PersonPrompter(scripted([typed('mistyped', true), typed('right', true)]), kept, words);
    await prompter.ask(question, never);
    expect(kept.values).toEqual({});
    prompter.settle(question, 'refused');
    await prompter.ask({ ...question, text: 'Password (the last one was wrong)' }, never);
    expect(kept.values).toEqual({});
    prompter.settle(question, 'proved');
    expect(kept.values).toEqual({ main: 'right' });
  });

  test('is forgotten when it is refused later, also by somebody who did not ask for it', async () => {
    const kept = memory({ main: 'changed meanwhile' });
    const prompter = new PersonPrompter(scripted([]), kept, words);
    await prompter.ask(question, never);
    prompter.settle(question, 'refused');
    expect(kept.values).toEqual({});
  });

  test('is not stored when the work ended before anybody knew, nor by another answer that was proved', async () => {
    const kept = memory();
    const prompter = new PersonPrompter(scripted([typed('one', true), typed('two')]), kept, words);
    await prompter.ask(question, never);
    await prompter.ask(question, never);
    prompter.settle(question, 'proved');
    prompter.settle({ ...question, key: '/elsewhere' }, 'proved');
    expect(kept.values).toEqual({});
  });

  test('a proved answer is given again in the same conversation', async () => {
    const prompter = new PersonPrompter(scripted([]), memory({ main: 'secret' }), words);
    const answers = await prompter.conversation(async () => {
      const first = await prompter.ask(question, never);
      prompter.settle(question, 'proved');
      return [first, await prompter.ask(question, never)];
    });
    expect(answers).toEqual(['secret', 'secret']);
  });
});

test('nothing is remembered without being asked to', async () => {
  const kept = memory();
  const prompter = new PersonPrompter(scripted([typed('secret')]), kept, words);
  await prompter.ask(question, never);
  prompter.settle(question, 'proved');
  expect(kept.values).toEqual({});
});

describe('choosing a password', () => {
  test('takes it only when it was typed the same twice', async () => {
    const person = scripted([typed('one'), typed('two'), typed('three', true), typed('three')]);
    const kept = memory();
    const prompter = new PersonPrompter(person, kept, words);
    expect(await prompter.choosingPassword(() => prompter.ask(question, never))).toBe('three');
    expect(person.told).toEqual([undefined, 'Once more.', 'Different.', 'Once more.']);
    prompter.settle(question, 'proved');
    expect(kept.values).toEqual({ main: 'three' });
  });

  test('does not fall back on what is remembered', async () => {
    const prompter = new PersonPrompter(scripted([undefined]), memory({ main: 'old' }), words);
    expect(await prompter.choosingPassword(() => prompter.ask(question, never))).toBeUndefined();
  });
});

test('two who ask at the same time are asked one after the other', async () => {
  let open = 0;
  let most = 0;
  const person: Person = {
    answer: async () => {
      open += 1;
      most = Math.max(most, open);
      await Promise.resolve();
      open -= 1;
      return typed('x');
    },
    trustHostKey: () => Promise.resolve(false),
  };
  const prompter = new PersonPrompter(person, memory(), words);
  await Promise.all([prompter.ask(question, never), prompter.ask({ ...question, subject: 'other' }, never)]);
  expect(most).toBe(1);
});

describe('the secret storage', () => {
  test('never takes one-time codes or what was visible', () => {
    expect(isRememberable(question)).toBe(true);
    expect(isRememberable({ ...question, kind: 'keyboard-interactive' })).toBe(false);
    expect(isRememberable({ ...question, echo: true })).toBe(false);
  });

  test('tells the answers of two keys of one host apart, and forgets all', async () => {
    const values = new Map<string, string>();
    const secrets = new RememberedSecrets({
      keys: () => Promise.resolve([...values.keys()]),
      get: (key) => Promise.resolve(values.get(key)),
      store: (key, value) => Promise.resolve(void values.set(key, value)),
      delete: (key) => Promise.resolve(void values.delete(key)),
      onDidChange: () => ({ dispose: () => undefined }),
    });
    const first: Question = { kind: 'key-passphrase', subject: 'db1', key: 'a', text: 'Passphrase', echo: false };
    const second: Question = { ...first, key: 'b' };
    await secrets.remember(first, 'alpha');
    await secrets.remember(second, 'beta');
    expect([await secrets.recall(first), await secrets.recall(second)]).toEqual(['alpha', 'beta']);
    expect(await secrets.recall({ ...first, text: 'Passphrase (the last one was wrong)' })).toBe('alpha');
    expect(await secrets.forgetAll()).toBe(2);
    expect(await secrets.recall(first)).toBeUndefined();
  });
});
