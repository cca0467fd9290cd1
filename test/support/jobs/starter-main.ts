/** A shell that starts a backup and then stays: `node starter-main.ts STATE CONFIG SOURCE`. Prints the job as JSON. */
import process from 'node:process';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { sourceName } from '../../../shared/domain/names.ts';
import { JobStore } from '../../../shared/jobs/job-store.ts';
import { startJob } from '../../../shared/jobs/start-job.ts';
import { identityOf } from './job-lab.ts';

const [, , stateFolder = '', configFile = '', source = ''] = process.argv;
const store = await JobStore.open(stateFolder);
const handover = { answers: [], repositorySecrets: {}, warnings: [] };
const runnerEntry = new URL('./runner-main.ts', import.meta.url);
const request = { kind: 'backup', source: sourceName(source) } as const;
const identity = await identityOf(request, configFile);
const options = { configFile, identity, handover, runnerEntry, clock: systemClock };
const started = await startJob(store, request, options, never);
process.stdout.write(`${JSON.stringify(started)}\n`);
process.stdin.resume();
