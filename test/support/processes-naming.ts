/** Which processes of this machine name something, such as a folder of a test. */
import { readdirSync, readFileSync } from 'node:fs';

/** Command lines that contain `text`, those of this process excepted. */
export function processesNaming(text: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  return pids.flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      return command.includes(text) ? [command.replaceAll('\0', ' ')] : [];
    } catch {
      return []; // ended between the listing and the look
    }
  });
}
