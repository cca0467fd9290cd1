/** Files of which the last to begin would run alone when all others are over, though they are short to read. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const LONGEST = ['test/zfs/provider.test.ts'];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLongest = ({ moduleId }: TestSpecification): boolean =>
      LONGEST.some((file) => moduleId.endsWith(`/${file}`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}
