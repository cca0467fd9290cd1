/** A fault that never fired proves nothing, so the test that planned it fails by itself. */
import { onTestFinished } from 'vitest';

/** @param idle what has not fired, asked when the test has ended; undefined where all has */
export function mustFire(idle: () => string | undefined): void {
  onTestFinished(({ task }) => {
    // A test that has failed may have ended before its faults were due.
    if (task.result?.state === 'fail') return;
    const what = idle();
    if (what !== undefined) throw new Error(`It never fired, so the test proves nothing: ${what}.`);
  });
}
