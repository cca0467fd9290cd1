/** What the extension host calls: runs every mocha test and writes down how each ended. */
import { appendFileSync } from 'node:fs';
import process from 'node:process';
import Mocha from 'mocha';
import type { HostCase } from './report.ts';

export async function run(): Promise<void> {
  const report = process.env['HOST_TEST_REPORT'] ?? '';
  // Without failZero, tests that were not found would be a pass.
  const mocha = new Mocha({ ui: 'bdd', timeout: 20_000, failZero: true, forbidOnly: true, reporter: 'min' });
  mocha.suite.emit('pre-require', globalThis as unknown as Mocha.MochaGlobals, '', mocha);
  await import('./views.host.ts');
  await import('./documents.host.ts');
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    runner.on('pass', (test) => put(report, { title: test.fullTitle(), durationMs: test.duration ?? 0 }));
    // The one thing that may be missing is a host that answers.
    const skipped = process.env['HOST_TEST_NO_SSH'] ?? 'no reason was given';
    runner.on('pending', (test) => put(report, { title: test.fullTitle(), durationMs: 0, skipped }));
    runner.on('fail', (test, error: Error) =>
      put(report, { title: test.fullTitle(), durationMs: test.duration ?? 0, error: error.stack ?? String(error) }),
    );
  });
  if (failures > 0) throw new Error(`${failures} tests failed`);
}

function put(file: string, result: HostCase): void {
  appendFileSync(file, `${JSON.stringify(result)}\n`);
}
