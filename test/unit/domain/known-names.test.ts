/** Filters over restore points: what fits, what is said of a misfit, and names that no restore point has. */
import { describe, expect, test } from 'vitest';
import { type ConfiguredNames, refuseUnknownNames } from '../../../shared/domain/known-names.ts';
import { EVERY_POINT, fitsFilter, misfit, type PointFilter } from '../../../shared/domain/point-filter.ts';
import { NOTHING_CONFIGURED } from '../../support/configured-names.ts';

const filter = (some: Partial<PointFilter>): PointFilter => ({ ...EVERY_POINT, ...some });
const shop = { id: '3a7b9c12ff', hostname: 'db1', tags: ['stillpoint', 'source=shop'], paths: ['/srv/files', '/etc'] };
const byHand = { id: '9f9f9f9fff', hostname: 'web', paths: ['/home'] };
const points = [shop, byHand];
const configured: ConfiguredNames = { sources: ['shop', 'mail'], hostnames: ['db1', 'mx'], paths: ['/var/mail'] };

const refusal = (some: Partial<PointFilter>, names: ConfiguredNames = configured): unknown => {
  try {
    refuseUnknownNames(filter(some), points, names);
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('a filter', () => {
  test('goes by the source as restore points show it', () => {
    expect(points.filter((point) => fitsFilter(point, filter({ sources: ['shop'] })))).toEqual([shop]);
    expect(points.filter((point) => fitsFilter(point, filter({ sources: ['shop', 'mail'] })))).toEqual([shop]);
    expect(points.filter((point) => fitsFilter(point, filter({ sources: [''] })))).toEqual([]);
    expect(points.filter((point) => fitsFilter(point, EVERY_POINT))).toEqual(points);
  });

  test.each<[Partial<PointFilter>, string]>([
    [{ sources: ['mail'] }, 'is of the source "shop", not of the source "mail".'],
    [{ hostnames: ['web', 'mx'] }, 'is of the host "db1", not of the hosts "web" or "mx".'],
    [
      { sources: ['mail'], hostnames: ['mx'] },
      'is of the source "shop" and of the host "db1", not of the source "mail" and of the host "mx".',
    ],
    [{ sources: ['shop'], paths: ['/srv'] }, 'is of the paths "/srv/files" and "/etc", not of the path "/srv".'],
    [{ tags: [['a', 'b'], ['']] }, 'is tagged "stillpoint" and "source=shop", not tagged "a" and "b" or without tags.'],
  ])('%j says what does not fit it', (some, words) => {
    expect(misfit(shop, filter(some)).message).toBe(`Restore point 3a7b9c12 ${words}`);
  });

  test('says it too of what has neither source nor tags', () => {
    expect(misfit(byHand, filter({ sources: ['shop'], tags: [['x']] })).message).toBe(
      'Restore point 9f9f9f9f is of no source and without tags, not of the source "shop" and tagged "x".',
    );
  });
});

describe('a name that nothing bears', () => {
  test.each<[Partial<PointFilter>, string, string]>([
    [{ sources: ['shpo'] }, 'There is no source "shpo"', 'Did you mean "shop"?'],
    [{ sources: ['shop', 'SHOPP'] }, 'There is no source "SHOPP"', 'Did you mean "shop"?'],
    [{ sources: ['nothing-like-it'] }, 'There is no source "nothing-like-it"', 'There are "mail", "shop".'],
    [{ hostnames: ['db2'] }, 'There is no host "db2"', 'Did you mean "db1"?'],
    [{ tags: [['source=shpo']] }, 'There is no tag "source=shpo"', 'Did you mean "source=shop"?'],
    [{ tags: [['source=shop', 'stilpoint']] }, 'There is no tag "stilpoint"', 'Did you mean "stillpoint"?'],
    [{ paths: ['/srv/files/'] }, 'There is no path "/srv/files/"', 'Did you mean "/srv/files"?'],
    [{ paths: ['/etc', '/hmoe'] }, 'There is no path "/hmoe"', 'Did you mean "/home"'],
  ])('%j is refused, with what is near', (some, message, advice) => {
    expect(refusal(some)).toMatchObject({
      code: 'usage.unknown-name',
      message: expect.stringContaining(message) as string,
      advice: expect.stringContaining(advice) as string,
    });
  });

  test.each<Partial<PointFilter>>([
    {},
    { sources: ['shop'] },
    { sources: ['mail'] },
    { hostnames: ['db1', 'web', 'mx'] },
    { tags: [['source=mail'], ['stillpoint'], ['']] },
    { paths: ['/etc', '/var/mail'] },
  ])('%j has none: a restore point or the configuration says it', (some) => {
    expect(refusal(some)).toBeUndefined();
  });

  test('is refused where there is nothing at all', () => {
    expect(() => refuseUnknownNames(filter({ sources: ['shop'] }), [], NOTHING_CONFIGURED)).toThrow(
      'There is no source "shop"',
    );
  });
});
