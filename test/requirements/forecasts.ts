/** What docs/host-setup.md promises of snapshots that fill, and what holds it. */
import { ofPage } from './page.ts';

export const FORECASTS = ofPage('docs/host-setup.md', {
  promises: [
    [
      'Where it fills so fast that it will be full within half an hour, and before all is read, that is said while there is time: "the snapshot of vg0/files will be full in about 9 minutes if it goes on like this".',
      {
        'test/e2e/lease.test.ts': 'is said to be full before it is, by what the guard sees of a snapshot that fills',
        'test/unit/domain/fill-forecast.test.ts': [
          'at a steady rate is said to be full before it is, within a tenth of the time, and not over and over',
          'says nothing where it does not fill, fills slowly, or will be read before',
          'is told in the same words in each shell',
        ],
      },
    ],
    [
      'It is said again when half of that is gone, and when the danger is over.',
      {
        'test/unit/domain/fill-forecast.test.ts': [
          'is said as late as it matters, and again when half of the time has gone',
          'has a word for it when the danger is over',
        ],
      },
    ],
    [
      'Of thin pools and ZFS, whose room a snapshot shares, it is said of what is left until the run is given up.',
      { 'test/faults/watchman/threats.ts': 'makes a thin snapshot with its marks and without a size, and removes it' },
    ],
    [
      'The rate is that of the last two and a half minutes.',
      { 'test/unit/domain/fill-forecast.test.ts': 'is not said to be full soon after one burst' },
    ],
  ],
});
