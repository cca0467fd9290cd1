/** What the editor tests need from the machine beyond npm. */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { CHROMIUM } from './browser.ts';

/** Writes the repositories that the views show. */
const RESTIC = '/usr/bin/restic';

/** Why the tests cannot run here, or undefined. Where `CI` is set, what is missing fails instead. */
export function missingForEditorTests(): string | undefined {
  const missing = [CHROMIUM, RESTIC].filter((file) => !existsSync(file));
  if (missing.length === 0) return undefined;
  const reason = `${missing.join(' and ')} are not there: install the Debian packages chromium and restic`;
  if (process.env['CI'] !== undefined) throw new Error(reason);
  return reason;
}
