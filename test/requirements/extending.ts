/**
 * What docs/extending.md promises, and what holds it. The ports on that page are made from the sources and compared with
 * them (`test/unit/snapshot/extending-pages.test.ts`), so it is not covered line by line.
 */
import { ofPage } from './page.ts';


export const EXTENDING = ofPage('docs/extending.md', {
  promises: [
    [
      'Both examples stand whole in [the examples](extending-examples.md).',
      { 'test/unit/snapshot/extending-pages.test.ts': 'of the examples' },
    ],
    [
      '`test/contract/provider.ts` asks for nested volumes (mounted and, where the storage has such, mounted nowhere), an impostor with one of our names, a lack of room, a restart, two runs at once, everything twice, a sweep of a version that knows no such storage or has another layout, and a kill before and after every call of every program that `programs` names.',
      { 'test/contract/provider.ts': 'killed before and after every call of a program' },
    ],
    [
      '`test/contract/hook.ts` kills the section, the watchman, both, and every program before and after each call, and asks each time whether the application goes on in time.',
      { 'test/contract/hook.ts': 'is let go where section and watchman are killed' },
    ],
    [
      'Words of a storage stay in its folder: `test/support/storage-words.ts` has them, and a test reads all other files of the product for them.',
      { 'test/architecture.test.ts': 'know no storage by name outside of its own folder' },
    ],
  ],
  exceptions: [],
});
