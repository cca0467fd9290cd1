/** A backup in a process of its own that ends itself with SIGKILL, at a step on the host or at an event. */
import process from 'node:process';
import { planStrike, type StrikePlan } from '../../support/remote/striking.ts';
import { type BackupSetting, runBackup } from './backup-fixture.ts';

/** One of the two; `phase` is struck when it begins. */
export interface Death {
  readonly at?: StrikePlan;
  readonly phase?: string;
}

const [setting, death] = process.argv.slice(2);
const { at, phase } = JSON.parse(death ?? '') as Death;
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
const striker = at && planStrike(at, die);
await runBackup(
  JSON.parse(setting ?? '') as BackupSetting,
  (event) => {
    if (event.type === 'phase-started' && event.phase === phase) die();
  },
  new AbortController().signal,
  striker && ((inner) => striker.wrap(inner)),
);
