/** The program that runs one job: `node runner-main.ts STATE-FOLDER JOB-ID`, started by `launch.ts` alone. */
import { keepCompiled } from '../base/compiled-programs.ts';

keepCompiled();
const [{ runnerProcess }, { PIPELINE_VERBS }] = await Promise.all([
  import('./runner-process.ts'),
  import('./pipeline-verbs.ts'),
]);
await runnerProcess(PIPELINE_VERBS);
