/** The program that runs one job: `node runner-main.ts STATE-FOLDER JOB-ID`, started by `launch.ts` alone. */
import { PIPELINE_VERBS } from './pipeline-verbs.ts';
import { runnerProcess } from './runner-process.ts';

await runnerProcess(PIPELINE_VERBS);
