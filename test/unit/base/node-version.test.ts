import { expect, test } from 'vitest';
import { nodeTooOld } from '../../../shared/base/node-version.ts';

test.each(['v24.0.0', 'v26.10.0'])('%s will do', (version) => {
  expect(nodeTooOld(version)).toBeUndefined();
});

test.each(['v20.20.2', 'v23.11.1'])('%s is told to be too old', (version) => {
  expect(nodeTooOld(version)).toContain(version);
});
