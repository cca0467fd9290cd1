/** The editor of these tests forgets and learns items as VS Code does: below what changed at once, anew when it has asked. */
import { expect, test } from 'vitest';
import { ShownNodes } from '../../../extension/tree/shown-nodes.ts';

interface Thing {
  readonly id: string;
  readonly words: string;
}

/** A view of three levels whose content the test writes: ids of children by the id of the parent, '' for the view. */
class Lab {
  readonly content = new Map<string, readonly Thing[]>();
  readonly #known = new Map<string, { readonly thing: Thing; readonly parent: string }>();
  readonly #open = new Set<string>(['']);
  readonly told: string[] = [];
  loads = 0;
  clockMs = 0;
  /** An editor asks for nothing while the view is hidden. */
  isHidden = false;
  /** Held while set, so that one can look in the middle. */
  gate: Promise<void> | undefined;
  #asking: Promise<void> = Promise.resolve();

  readonly nodes = new ShownNodes<Thing>({
    idOf: ({ id }) => id,
    load: async (parent) => {
      this.loads += 1;
      await this.gate;
      return (this.content.get(parent?.id ?? '') ?? []).map((thing) => ({ ...thing }));
    },
    changed: (thing) => {
      const id = thing?.id ?? '';
      if (id !== '' && this.#known.get(id)?.thing !== thing) throw new Error(`The editor does not know this ${id}.`);
      this.told.push(id);
      this.#forgetBelow(id);
      if (this.#open.has(id) && !this.isHidden) this.#asking = this.#asking.then(() => this.#ask(id));
    },
    nowMs: () => this.clockMs,
  });

  /** Opens a node, as a click does. */
  async open(id: string): Promise<void> {
    this.#open.add(id);
    await this.#ask(id);
  }

  close(id: string): void {
    this.#open.delete(id);
    this.nodes.setOpen(this.click(id) as Thing, false);
  }

  /** What a button on an item hands to its command. */
  click(id: string): Thing | undefined {
    return this.#known.get(id)?.thing;
  }

  async drawn(): Promise<void> {
    await this.#asking;
  }

  async #ask(id: string): Promise<void> {
    const parent = id === '' ? undefined : this.click(id);
    if (id !== '' && parent === undefined) return;
    for (const thing of await this.nodes.children(parent)) {
      this.#known.set(thing.id, { thing, parent: id });
      if (this.#open.has(thing.id)) await this.#ask(thing.id);
    }
  }

  #forgetBelow(id: string): void {
    for (const [child, { parent }] of this.#known) {
      if (parent !== id) continue;
      this.#known.delete(child);
      this.#forgetBelow(child);
    }
  }
}

const thing = (id: string, words = id): Thing => ({ id, words });

/** A host with two sources, of which the first is open and has one restore point. */
async function openedView(): Promise<Lab> {
  const lab = new Lab();
  lab.content
    .set('', [thing('db1')])
    .set('db1', [thing('shop'), thing('mail')])
    .set('shop', [thing('monday')]);
  await lab.open('');
  await lab.open('db1');
  await lab.open('shop');
  return lab;
}

test('an item can be clicked at every moment of a refresh that finds the same', async () => {
  const lab = await openedView();
  const shop = lab.click('shop');
  const gate = Promise.withResolvers<void>();
  lab.gate = gate.promise;
  const refresh = lab.nodes.renew(undefined);
  expect(lab.click('shop')).toBe(shop);
  gate.resolve();
  await refresh;
  expect([lab.click('shop'), lab.click('mail')?.id, lab.click('monday')?.id]).toEqual([shop, 'mail', 'monday']);
  expect(lab.told).toEqual([]);
});

test('a new restore point is told of its source alone, which stays', async () => {
  const lab = await openedView();
  const shop = lab.click('shop');
  lab.content.set('shop', [thing('tuesday'), thing('monday')]);
  await lab.nodes.renew(undefined);
  expect(lab.told).toEqual(['shop']);
  expect(lab.click('shop')).toBe(shop);
  const { loads } = lab;
  await lab.drawn();
  expect(lab.click('tuesday')?.id).toBe('tuesday');
  expect(lab.loads, 'what was read is not read again').toBe(loads);
});

test('an item that looks otherwise keeps its object, with the new content', async () => {
  const lab = await openedView();
  const mail = lab.click('mail');
  lab.content.set('db1', [thing('shop'), thing('mail', 'to another repository')]);
  await lab.nodes.renew(undefined);
  expect(lab.told).toEqual(['mail']);
  expect(lab.click('mail')).toBe(mail);
  expect(mail?.words).toBe('to another repository');
});

test('a source that is new in the configuration is told of its host', async () => {
  const lab = await openedView();
  lab.content.set('db1', [thing('mail'), thing('news'), thing('shop')]);
  await lab.nodes.renew(undefined);
  await lab.drawn();
  expect(lab.told).toEqual(['db1']);
  expect(['mail', 'news', 'shop', 'monday'].map((id) => lab.click(id)?.id)).toEqual(['mail', 'news', 'shop', 'monday']);
});

test('a closed node is read when it is opened again and not before', async () => {
  const lab = await openedView();
  lab.close('shop');
  const { loads } = lab;
  await lab.nodes.renew(lab.click('shop'));
  expect(lab.loads).toBe(loads);
  expect(lab.told).toEqual(['shop']);
  lab.content.set('shop', [thing('tuesday')]);
  await lab.open('shop');
  expect(lab.click('tuesday')?.id).toBe('tuesday');
});

test('of two refreshes at once the later one counts', async () => {
  const lab = await openedView();
  const gate = Promise.withResolvers<void>();
  lab.gate = gate.promise;
  const first = lab.nodes.renew(lab.click('shop'));
  lab.gate = undefined;
  lab.content.set('shop', [thing('tuesday')]);
  await lab.nodes.renew(lab.click('shop'));
  await lab.drawn();
  lab.content.set('shop', [thing('never')]);
  gate.resolve();
  await first;
  await lab.drawn();
  expect(lab.click('tuesday')?.id).toBe('tuesday');
  expect(lab.click('never')).toBeUndefined();
});

test('what was read for a view that is hidden is read again when it is shown', async () => {
  const lab = await openedView();
  lab.content.set('shop', [thing('tuesday')]);
  lab.isHidden = true;
  await lab.nodes.renew(lab.click('shop'));
  lab.clockMs += 60_000;
  lab.content.set('shop', [thing('wednesday')]);
  await lab.open('shop');
  expect(lab.click('wednesday')?.id).toBe('wednesday');
});

test('what was read ahead is out of date as soon as it is read again', async () => {
  const lab = await openedView();
  lab.content.set('shop', [thing('tuesday')]);
  lab.isHidden = true;
  await lab.nodes.renew(lab.click('shop'));
  lab.content.set('shop', [thing('wednesday')]);
  const renewing = lab.nodes.renew(lab.click('shop'));
  await lab.open('shop');
  await renewing;
  expect(lab.click('tuesday')).toBeUndefined();
  expect(lab.click('wednesday')?.id).toBe('wednesday');
});

test('a view that was never drawn is drawn, and nothing is read before the editor asks', async () => {
  const lab = new Lab();
  await lab.nodes.renew(undefined);
  expect(lab.told).toEqual(['']);
});
