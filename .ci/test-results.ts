/**
 * Writes what a vitest run found to a file, so that the results of all groups can be added up. Vitest's own JSON
 * reporter knows neither the reason of a skipped test nor a file that could not be loaded; both matter here: a skip
 * without a reason and a file without tests count as failures.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

export interface GroupResults {
  readonly passed: number;
  /** What failed, one line for each: a test, a file that could not be loaded, an error outside of any test. */
  readonly failures: readonly string[];
  readonly skipped: readonly { readonly test: string; readonly reason: string }[];
}

export class TestResults implements Reporter {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    writeFileSync(this.#file, JSON.stringify(collect(modules, unhandled)));
  }
}

function collect(modules: readonly TestModule[], unhandled: readonly unknown[]): GroupResults {
  let passed = 0;
  const failures = unhandled.map((error) => `error outside of any test: ${errorText(error)}`);
  const skipped: { test: string; reason: string }[] = [];
  for (const module of modules) {
    failures.push(...suiteErrors(module));
    for (const test of module.children.allTests()) {
      const result = test.result();
      const name = `${module.relativeModuleId} > ${test.fullName}`;
      if (result.state === 'passed') passed += 1;
      else if (result.state === 'skipped') {
        const reason = result.note ?? reasonOf(test);
        if (reason !== undefined) skipped.push({ test: name, reason });
        else failures.push(`${name}: skipped without a reason, use skip("why") or needing("why")`);
      } else
        failures.push(result.state === 'failed' ? `${name}: ${errorText(result.errors[0])}` : `${name}: did not end`);
    }
  }
  return { passed, failures, skipped };
}

/** A reason given to the test or to a suite around it, see `test/support/needing.ts`. */
function reasonOf(test: TestCase): string | undefined {
  let task: TestCase | TestSuite | TestModule = test;
  while (task.type !== 'module') {
    const { skipReason } = task.meta() as { skipReason?: string };
    if (skipReason !== undefined) return skipReason;
    task = task.parent;
  }
  return undefined;
}

/** Errors of loading, `beforeAll` and `afterAll`, which belong to no test. */
function suiteErrors(module: TestModule): string[] {
  const own = module.errors().map((error) => `${module.relativeModuleId}: ${errorText(error)}`);
  for (const suite of module.children.allSuites()) {
    own.push(...suite.errors().map((error) => `${module.relativeModuleId} > ${suite.fullName}: ${errorText(error)}`));
  }
  return own;
}

function errorText(error: unknown): string {
  const text = (error as { message?: unknown } | null)?.message;
  return (typeof text === 'string' ? text : String(error)).split('\n')[0] ?? '';
}
