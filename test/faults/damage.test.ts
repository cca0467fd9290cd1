/**
 * Every kind of damage is found, by the look that is meant to find it, under its own name, with its victims and no
 * others, and with what to do next; and where nothing is wrong, nothing is found.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FileRef } from '../../shared/repository/backend/backend.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { checkRepository } from '../../shared/repository/check/check.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { DamageLab, type Look, openLab, type Shelf, shelve } from '../support/damage/damage-lab.ts';
import { PLANTS } from '../support/damage/plants.ts';
import { repair, WISHES } from '../support/damage/repair-lab.ts';
import { resticFinds, resticOk } from '../support/restic.ts';
import { createMemoryBackend } from '../support/stores/memory.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { backUp, createTestRepository, PASSWORD, testSignal } from '../support/test-repository.ts';
import { writeOut } from '../support/write-out.ts';

const LOOKS: readonly Look[] = ['check', 'headers', 'verify'];
let shelf: Shelf;
beforeAll(async () => {
  shelf = await shelve(2);
});

describe('damage', () => {
  it.each(PLANTS)('is found: $name', async ({ look, plant, restic }) => {
    const lab = await openLab(shelf);
    const expected = await plant(lab);
    for (const lesser of LOOKS.slice(0, LOOKS.indexOf(look))) expect(await lab.look(lesser), lesser).toEqual([]);
    const findings = await lab.look(look);
    expect(findings.map(({ severity }) => severity)).toEqual(expected.map(({ severity }) => severity));
    for (const [index, { message, advice }] of expected.entries()) {
      expect(findings[index]?.message).toMatch(message);
      expect(findings[index]?.advice).toMatch(advice);
    }
    const victims = expected.flatMap((one) => one.victims ?? []).toSorted();
    expect(findings.flatMap(({ affects }) => affects).toSorted()).toEqual(victims);

    if (restic === 'unasked') return;
    await using folder = await temporaryFolder();
    await writeOut(lab.backend, folder.path, lab.signal);
    const complaints = await resticFinds(folder.path, '--read-data');
    expect(complaints.length > 0 ? 'complains' : 'silent', complaints.join('\n')).toBe(restic);
  });

  it('is told by verify with the same victims as by check', async () => {
    for (const { plant, look } of PLANTS.filter((one) => one.look === 'check')) {
      const lab = await openLab(shelf);
      await plant(lab);
      const few = await lab.look(look);
      const victimsOf = (findings: typeof few): string[] =>
        [...new Set(findings.flatMap(({ affects }) => affects))].toSorted();
      expect(victimsOf(await lab.look('verify'))).toEqual(victimsOf(few));
    }
  });
});

describe('in a folder of many files', () => {
  const FILES = 150;

  /** Two restore points; the pack of the one file that only the second has, and the pack of all others. */
  async function openManyLab(): Promise<{ lab: DamageLab; one: FileRef; others: FileRef }> {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    const many: Record<string, string> = {};
    for (let number = 0; number < FILES; number += 1) many[`a${String(number).padStart(3, '0')}`] = `${number}`;
    const points = [
      await backUp(repository, { d: many }),
      await backUp(repository, { d: { ...many, z: 'important' } }),
    ];
    const lab = new DamageLab(backend, points);
    return { lab, one: await lab.pack(1, '/d/z'), others: await lab.pack(0, '/d/a000') };
  }

  it('one cause hides no victim of another, and the counts are true', async () => {
    const { lab, one, others } = await openManyLab();
    await lab.remove(one);
    await lab.remove(others);
    const found = await lab.look('check');
    const affectedBy = (file: FileRef): readonly string[] =>
      found.find(({ message }) => message.includes(file.name.slice(0, 8)))?.affects ?? [];
    expect(affectedBy(one)).toEqual([lab.victim(1, '/d/z')]);
    expect(affectedBy(others)).toHaveLength(101);
    expect(affectedBy(others).at(-1)).toBe(`and ${2 * FILES - 100} more`);
  });

  it('a repair names what the pack costs that it gives up', async () => {
    const { lab, one, others } = await openManyLab();
    await lab.remove(others);
    await lab.flip(one, 20);
    const { lost } = await repair(lab.backend, { part: 'packs', packs: [one.name] });
    expect(lost.flatMap(({ affects }) => affects)).toEqual([lab.victim(1, '/d/z')]);
    await repair(lab.backend, WISHES.index);
    const { lost: all } = await repair(lab.backend, WISHES.points);
    expect(all.map(({ affects }) => affects.length).toSorted((left, right) => left - right)).toEqual([
      FILES,
      FILES + 1,
    ]);
  });
});

describe('nothing is found', () => {
  it.each([1, 2] as const)('in a sound repository of ours, format %i', async (version) => {
    const lab = await openLab(await shelve(version));
    for (const look of LOOKS) expect(await lab.look(look)).toEqual([]);
  });

  it.each([1, 2] as const)('in one that restic wrote, format %i', async (version) => {
    await using folder = await temporaryFolder();
    const place = join(folder.path, 'r');
    const source = new URL('../support', import.meta.url).pathname;
    await resticOk(place, 'init', '--repository-version', String(version));
    for (const path of [source, import.meta.filename, source]) await resticOk(place, 'backup', path);
    const repository = await openRepository(createLocalBackend(place), PASSWORD, testSignal());
    expect((await checkRepository(repository, testSignal(), { headers: true })).findings).toEqual([]);
    expect((await verifyRepository(repository, { signal: testSignal() })).findings).toEqual([]);
  });
});
