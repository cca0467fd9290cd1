/** The files of a group in the order in which they begin: vitest has the largest first, which are not those that take longest. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Of these the last to begin would run alone when all others are over, though they are short to read. */
const LONGEST = [
  'test/zfs/provider.test.ts',
  ...['kill.test.ts', 'hooks.test.ts', 'resume.test.ts'].map((name) => `test/faults/kill/${name}`),
  ...['dash.test.ts', 'bash.test.ts', 'busybox.test.ts'].map((name) => `test/faults/watchman/${name}`),
  ...['advise.test.ts', 'kept.test.ts'].map((name) => `test/e2e/${name}`),
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((file) => moduleId.endsWith(`/${file}`));
      return place < 0 ? LONGEST.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}
