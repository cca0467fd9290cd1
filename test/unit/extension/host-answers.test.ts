import { expect, test } from 'vitest';
import { HostAnswers } from '../../../extension/tree/host-answers.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import type { HostInventory } from '../../../shared/domain/host.ts';
import { hostName } from '../../../shared/domain/names.ts';

const db1 = hostName('db1');
const inventory: HostInventory = {
  host: db1,
  system: 'Linux',
  bootId: 'b',
  volumes: [],
  pools: [],
  warnings: [],
};

/** A host that answers when the test says so. */
function slowHost() {
  const calls: { readonly signal: AbortSignal; readonly answer: PromiseWithResolvers<HostInventory> }[] = [];
  const answered: string[] = [];
  const inventories = new HostAnswers(
    (_host, signal) => {
      const answer = Promise.withResolvers<HostInventory>();
      calls.push({ signal, answer });
      return answer.promise;
    },
    (host) => void answered.push(host),
  );
  return { calls, answered, inventories };
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('a host is connecting until it answers, and asked once however often one looks', async () => {
  const { calls, answered, inventories } = slowHost();
  expect([inventories.look(db1), inventories.look(db1)]).toEqual([{ state: 'connecting' }, { state: 'connecting' }]);
  expect(calls.length).toBe(1);
  calls[0]?.answer.resolve(inventory);
  await settled();
  expect(answered).toEqual(['db1']);
  expect(inventories.look(db1)).toEqual({ state: 'known', answer: inventory });
  expect(calls.length).toBe(1);
});

test('a failure stands until it is forgotten', async () => {
  const { calls, inventories } = slowHost();
  inventories.look(db1);
  const facts = { advice: 'Start it.', cause: undefined };
  calls[0]?.answer.reject(new StillpointError('ssh.unreachable', 'No answer.', facts));
  await settled();
  expect(inventories.look(db1)).toMatchObject({ state: 'failed', error: { code: 'ssh.unreachable' } });
  expect(calls.length).toBe(1);
  inventories.forget(db1);
  expect(inventories.look(db1)).toEqual({ state: 'connecting' });
  expect(calls.length).toBe(2);
});

test('what is forgotten is given up, and its late answer counts for nothing', async () => {
  const { calls, answered, inventories } = slowHost();
  inventories.look(db1);
  inventories.forgetAll();
  expect(calls[0]?.signal.aborted).toBe(true);
  inventories.look(db1);
  calls[0]?.answer.resolve(inventory);
  await settled();
  expect(answered).toEqual([]);
  expect(inventories.look(db1)).toEqual({ state: 'connecting' });
});

test('an edit asks only those hosts again that are reached otherwise, or are gone', async () => {
  const { calls, inventories } = slowHost();
  const [kept, moved, gone] = [db1, hostName('web'), hostName('old')];
  for (const host of [kept, moved, gone]) inventories.look(host, `ssh ${host}`);
  for (const { answer } of calls) answer.resolve(inventory);
  await settled();
  inventories.keepOnly(
    new Map([
      [kept, `ssh ${kept}`],
      [moved, 'ssh elsewhere'],
    ]),
  );
  expect(inventories.look(kept, `ssh ${kept}`)).toEqual({ state: 'known', answer: inventory });
  expect(inventories.look(moved, 'ssh elsewhere')).toEqual({ state: 'connecting' });
  expect(inventories.look(gone, `ssh ${gone}`)).toEqual({ state: 'connecting' });
});
