/** A person is asked once; a wrong answer is not given twice. */
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import type { Question } from '../../../shared/domain/prompter.ts';
import { AnswerBook, replayedAnswers } from '../../../shared/jobs/answers.ts';

const question = (subject: string, text = 'Password?'): Question => ({
  kind: 'ssh-password',
  subject,
  text,
  echo: false,
});

function bookWith(...answers: (string | undefined)[]): { book: AnswerBook; asked: string[] } {
  const asked: string[] = [];
  const book = new AnswerBook({
    ask: ({ subject }) => {
      asked.push(subject);
      return Promise.resolve(answers.shift());
    },
    confirmHostKey: () => Promise.resolve(true),
  });
  return { book, asked };
}

describe('what a person answered', () => {
  test('is known to the next attempt, for the same subject and text', async () => {
    const { book, asked } = bookWith('one', 'two', 'three');
    expect(await book.attempt().ask(question('db1'), never)).toBe('one');
    expect(await book.attempt().ask(question('db1'), never)).toBe('one');
    expect(await book.attempt().ask(question('db2'), never)).toBe('two');
    expect(await book.attempt().ask(question('db1', 'Code?'), never)).toBe('three');
    expect(asked).toEqual(['db1', 'db2', 'db1']);
  });

  test('was wrong when it is asked again within an attempt', async () => {
    const { book } = bookWith('wrong', 'right');
    await book.attempt().ask(question('db1'), never);
    const second = book.attempt();
    expect(await second.ask(question('db1'), never)).toBe('wrong');
    expect(await second.ask(question('db1'), never)).toBe('right');
    expect(book.about('db1').map(({ value }) => value)).toEqual(['right']);
  });

  test('is not kept when there is none, or when it was refused', async () => {
    const { book } = bookWith(undefined, 'one', 'two');
    expect(await book.attempt().ask(question('db1'), never)).toBeUndefined();
    expect(book.about('db1')).toEqual([]);
    expect(await book.attempt().ask(question('db1'), never)).toBe('one');
    book.forget('db1');
    expect(await book.attempt().ask(question('db1'), never)).toBe('two');
  });

  test('is repeated by a runner as often as a connection needs it, and nothing else is', async () => {
    const { book } = bookWith('one');
    await book.attempt().ask(question('db1'), never);
    const runner = replayedAnswers(book.about('db1'));
    expect(await runner.ask(question('db1'), never)).toBe('one');
    expect(await runner.ask(question('db1'), never)).toBe('one');
    expect(await runner.ask(question('db2'), never)).toBeUndefined();
    const key = { host: 'db1', address: 'db1', keyType: 'ssh-ed25519', fingerprint: 'SHA256:x', otherKeys: [] };
    expect(await runner.confirmHostKey(key, never)).toBe(false);
  });

  test('is nothing without a person', async () => {
    const book = new AnswerBook(undefined);
    expect(book.hasPerson).toBe(false);
    expect(await book.attempt().ask(question('db1'), never)).toBeUndefined();
  });
});
