/** What the editor tests need from the machine beyond npm. */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { CHROMIUM } from './browser.ts';

/** Why the tests cannot run here, or undefined. Where `CI` is set, what is missing fails instead. */
export function missingForEditorTests(): string | undefined {
  if (existsSync(CHROMIUM)) return undefined;
  const reason = `${CHROMIUM} is not there: install the Debian package chromium`;
  if (process.env['CI'] !== undefined) throw new Error(reason);
  return reason;
}
