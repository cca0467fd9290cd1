/** Two ways at once, one person: who is asked what, and when. */
import { expect, test } from 'vitest';
import { questionsInOrder } from '../../../shared/access/questions-in-order.ts';
import { never } from '../../../shared/base/cancel.ts';
import type { Prompter, Question } from '../../../shared/domain/prompter.ts';

const question = (subject: string): Question => ({
  ...{ kind: 'ssh-password', subject, key: `root@${subject}`, text: `Password of ${subject}:`, echo: false },
});
const OFFER = { host: 'db1', address: 'db1', keyType: 'ed25519', fingerprint: 'SHA256:x', otherKeys: [] };

/** Somebody who takes a moment to answer, and must not be asked meanwhile. */
function person(): Prompter & { readonly asked: string[]; readonly settled: string[] } {
  const asked: string[] = [];
  const settled: string[] = [];
  let isBusy = false;
  const answer = async <T>(what: string, value: T): Promise<T> => {
    expect(isBusy, 'one question at a time').toBe(false);
    isBusy = true;
    asked.push(what);
    await new Promise((resolve) => setTimeout(resolve, 5));
    isBusy = false;
    return value;
  };
  return {
    ...{ asked, settled },
    ask: ({ subject }) => answer(subject, `secret of ${subject}`),
    confirmHostKey: ({ host }) => answer(`key of ${host}`, true),
    settle: ({ subject }, outcome) => void settled.push(`${subject} ${outcome}`),
  };
}

test('the second way waits with its questions until the first is gone, whichever came first', async () => {
  const who = person();
  const { first, second, firstIsThere } = questionsInOrder(who);
  const host = Promise.all([second.confirmHostKey(OFFER, never), second.ask(question('db1'), never)]);
  expect(await first.ask(question('nas'), never)).toBe('secret of nas');
  expect(await first.ask(question('main'), never)).toBe('secret of main');
  firstIsThere();
  expect(await host).toEqual([true, 'secret of db1']);
  expect(who.asked).toEqual(['nas', 'main', 'key of db1', 'db1']);
  second.settle(question('db1'), 'proved');
  expect(who.settled).toEqual(['db1 proved']);
});

test('later on, as when a connection is made again, nobody is asked two things at once', async () => {
  const who = person();
  const { first, second, firstIsThere } = questionsInOrder(who);
  firstIsThere();
  await Promise.all([second.ask(question('db1'), never), first.ask(question('nas'), never)]);
  expect(who.asked).toHaveLength(2);
});

test('a wait for the first way ends with what it was for', async () => {
  const { second } = questionsInOrder(person());
  const gone = new AbortController();
  const asked = second.ask(question('db1'), gone.signal);
  gone.abort(new Error('given up'));
  await expect(asked).rejects.toThrow('given up');
});
