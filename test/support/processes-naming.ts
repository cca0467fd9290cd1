/** Which processes of this machine name something, such as a folder of a test. */
import { allProcesses, commandLineOf } from '../lab/process-tree.ts';

/** Command lines that contain `text`, those of this process excepted. */
export function processesNaming(text: string): string[] {
  return allProcesses()
    .filter((pid) => pid !== process.pid)
    .map((pid) => commandLineOf(pid).join(' '))
    .filter((line) => line.includes(text));
}
