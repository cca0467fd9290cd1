/** A person is asked once; a wrong answer is not given twice. */
import { describe, expect, test } from 'vitest';
import { AnswerBook, replayedAnswers } from '../../../shared/access/answers.ts';
import { never } from '../../../shared/base/cancel.ts';
import type { Question } from '../../../shared/domain/prompter.ts';

const question = (subject: string, key = 'ann@db1:22', text = 'Password?'): Question => ({
  kind: 'ssh-password',
  subject,
  key,
  text,
  echo: false,
});

function bookWith(...answers: (string | undefined)[]): {
  book: AnswerBook;
  asked: string[];
  settled: string[];
} {
  const asked: string[] = [];
  const settled: string[] = [];
  const book = new AnswerBook({
    ask: ({ subject }) => {
      asked.push(subject);
      return Promise.resolve(answers.shift());
    },
    confirmHostKey: () => Promise.resolve(true),
    settle: ({ subject }, outcome) => settled.push(`${subject} ${outcome}`),
  });
  return { book, asked, settled };
}

/** Asks, and says what became of the answer. */
async function askedAndSettled(book: AnswerBook, asked: Question, outcome: 'proved' | 'refused') {
  const attempt = book.attempt();
  const value = await attempt.ask(asked, never);
  attempt.settle(asked, outcome);
  return value;
}

describe('what a person answered', () => {
  test('and was proved, is known to the next attempt, whatever the words of the question', async () => {
    const { book, asked, settled } = bookWith('one', 'two', 'three');
    expect(await askedAndSettled(book, question('db1'), 'proved')).toBe('one');
    expect(await book.attempt().ask(question('db1', 'ann@db1:22', 'Password, please?'), never)).toBe('one');
    expect(await book.attempt().ask(question('db2'), never)).toBe('two');
    expect(await book.attempt().ask(question('db1', 'eve@db1:22'), never)).toBe('three');
    expect(asked).toEqual(['db1', 'db2', 'db1']);
    expect(settled).toEqual(['db1 proved']);
  });

  test('and nobody proved, goes out once and to nobody else', async () => {
    const { book } = bookWith('mistyped', 'right');
    expect(await book.attempt().ask(question('db1'), never)).toBe('mistyped');
    expect(book.about('db1')).toEqual([]);
    expect(await book.attempt().ask(question('db1'), never)).toBe('right');
  });

  test('and was refused, is gone, also after it was right for a while', async () => {
    const { book, settled } = bookWith('old', 'new');
    await askedAndSettled(book, question('db1'), 'proved');
    expect(await askedAndSettled(book, question('db1'), 'refused')).toBe('old');
    expect(await askedAndSettled(book, question('db1'), 'proved')).toBe('new');
    expect(book.about('db1').map(({ value }) => value)).toEqual(['new']);
    expect(settled).toEqual(['db1 proved', 'db1 refused', 'db1 proved']);
  });

  test('was wrong when it is asked again before it was proved', async () => {
    const { book } = bookWith('wrong', 'right');
    const attempt = book.attempt();
    expect(await attempt.ask(question('db1'), never)).toBe('wrong');
    expect(await attempt.ask(question('db1'), never)).toBe('right');
    attempt.settle(question('db1'), 'proved');
    expect(await attempt.ask(question('db1'), never)).toBe('right');
    expect(book.about('db1').map(({ value }) => value)).toEqual(['right']);
  });

  test('is not kept when there is none, or when it is no longer wanted', async () => {
    const { book } = bookWith(undefined, 'one', 'two');
    expect(await book.attempt().ask(question('db1'), never)).toBeUndefined();
    expect(book.about('db1')).toEqual([]);
    expect(await askedAndSettled(book, question('db1'), 'proved')).toBe('one');
    book.forget('db1');
    expect(await book.attempt().ask(question('db1'), never)).toBe('two');
  });

  test('is repeated by a runner as often as a connection needs it, until it is refused', async () => {
    const { book } = bookWith('one');
    await askedAndSettled(book, question('db1'), 'proved');
    const runner = replayedAnswers(book.about('db1'));
    expect(await runner.ask(question('db1'), never)).toBe('one');
    expect(await runner.ask(question('db1'), never)).toBe('one');
    expect(await runner.ask(question('db2'), never)).toBeUndefined();
    runner.settle(question('db1'), 'proved');
    expect(await runner.ask(question('db1'), never)).toBe('one');
    runner.settle(question('db1'), 'refused');
    expect(await runner.ask(question('db1'), never)).toBeUndefined();
    const key = { host: 'db1', address: 'db1', keyType: 'ssh-ed25519', fingerprint: 'SHA256:x', otherKeys: [] };
    expect(await runner.confirmHostKey(key, never)).toBe(false);
  });

  test('is nothing without a person', async () => {
    const book = new AnswerBook(undefined);
    expect(book.hasPerson).toBe(false);
    expect(await book.attempt().ask(question('db1'), never)).toBeUndefined();
  });
});
