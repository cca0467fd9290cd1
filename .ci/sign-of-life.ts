/**
 * Shows what the tests are at while nothing else is printed: a test file says something only when it is over, which
 * with guests takes minutes.
 */
import type { ReportedHookContext, Reporter, TestCase, TestModule } from 'vitest/node';

const SILENT_MS = 15_000;

export class SignOfLife implements Reporter {
  /** What is under way, by file, and since when. */
  readonly #underWay = new Map<string, { readonly what: string; readonly since: number }>();
  #timer: NodeJS.Timeout | undefined;
  #printedAt = performance.now();

  onTestRunStart(): void {
    this.#timer = setInterval(() => this.#print(), SILENT_MS / 3).unref();
  }

  onTestModuleStart({ relativeModuleId }: TestModule): void {
    this.#begin(relativeModuleId, 'starting');
  }

  onTestCaseReady(test: TestCase): void {
    this.#begin(test.module.relativeModuleId, test.fullName);
  }

  onHookStart({ name, entity }: ReportedHookContext): void {
    if (name === 'beforeAll' || name === 'afterAll') {
      const module = entity.type === 'module' ? entity : entity.module;
      this.#begin(module.relativeModuleId, name);
    }
  }

  onTestModuleEnd({ relativeModuleId }: TestModule): void {
    this.#underWay.delete(relativeModuleId);
    this.#printedAt = performance.now();
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
  }

  #begin(file: string, what: string): void {
    this.#underWay.set(file, { what, since: performance.now() });
  }

  #print(): void {
    const now = performance.now();
    if (now - this.#printedAt < SILENT_MS) return;
    this.#printedAt = now;
    for (const [file, { what, since }] of this.#underWay) {
      console.log(` … ${file} > ${what}, for ${((now - since) / 1000).toFixed(0)} s`);
    }
  }
}
