/** A backup in a process of its own that ends itself with SIGKILL at the beginning of a phase. */
import process from 'node:process';
import { type BackupSetting, runBackup } from './backup-fixture.ts';

const [setting, phase, delayMs] = process.argv.slice(2);
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
await runBackup(
  JSON.parse(setting ?? '') as BackupSetting,
  (event) => {
    if (event.type !== 'phase-started' || event.phase !== phase) return;
    if (Number(delayMs) === 0) die();
    else setTimeout(die, Number(delayMs));
  },
  new AbortController().signal,
);
