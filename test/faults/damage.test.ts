/**
 * Every kind of damage is found, by the look that is meant to find it, under its own name, with its victims and no
 * others, and with what to do next; and where nothing is wrong, nothing is found.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { checkRepository } from '../../shared/repository/check/check.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { type Look, openLab, type Shelf, shelve } from '../support/damage/damage-lab.ts';
import { PLANTS } from '../support/damage/plants.ts';
import { resticFinds, resticOk } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { PASSWORD, testSignal } from '../support/test-repository.ts';
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
