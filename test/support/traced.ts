/**
 * Holds the pages and the tests together: what a page promises is held by a test that is there, and what a page says
 * in a section that is traced is a promise, or excepted with a reason.
 */

import { inOneLine, type UnitKind, unitsOf } from './page-units.ts';
import { hasTitle } from './test-titles.ts';

export interface Requirement {
  readonly page: string;
  /** The very words of the page: one sentence, table row or command, or several that follow each other. */
  readonly promise: string;
  readonly tests: readonly { readonly file: string; readonly test: string }[];
}

/** What a traced section says and no test holds. */
export interface Exception {
  readonly page: string;
  readonly text: string;
  readonly reason: string;
}

export interface TracedSection {
  readonly page: string;
  /** With all sections below it; without one, the whole page. */
  readonly heading?: string;
  readonly kinds?: readonly UnitKind[];
}

export interface Trace {
  readonly requirements: readonly Requirement[];
  readonly exceptions: readonly Exception[];
  readonly sections: readonly TracedSection[];
}

/** What the list is held against, by path. */
export interface Written {
  readonly pages: ReadonlyMap<string, string>;
  /** The titles of each file of tests that something runs. */
  readonly tests: ReadonlyMap<string, readonly string[]>;
}

/** All faults, one sentence each. */
export function traceFaults(trace: Trace, written: Written): readonly string[] {
  return [
    ...trace.requirements.flatMap((requirement) => requirementFaults(requirement, written)),
    ...trace.exceptions.flatMap((exception) => exceptionFaults(exception, trace, written)),
    ...trace.sections.flatMap((section) => sectionFaults(section, trace, written)),
  ];
}

function requirementFaults({ page, promise, tests }: Requirement, written: Written): readonly string[] {
  const found = placeFaults(page, promise, written);
  if (tests.length === 0) found.push('is held by no test');
  for (const { file, test } of tests) {
    const titles = written.tests.get(file);
    if (titles === undefined) found.push(`names ${file}, which is no file of tests that is run`);
    else if (!hasTitle(titles, test)) found.push(`names the test "${test}", which is not in ${file}`);
  }
  return found.map((fault) => `${page}: "${promise}" ${fault}`);
}

function exceptionFaults({ page, text, reason }: Exception, trace: Trace, written: Written): readonly string[] {
  const found = placeFaults(page, text, written);
  if (reason.trim().split(' ').length < 3) found.push('is excepted without a reason');
  const traced = trace.sections.filter((section) => section.page === page).flatMap((one) => unitsIn(one, written));
  const promised = promisesOf(trace, page);
  const words = inOneLine(text);
  const isNeeded = traced.some((unit) => words.includes(unit) && !promised.some((promise) => promise.includes(unit)));
  if (found.length === 0 && !isNeeded) found.push('is excepted, though it is promised or in no section that is traced');
  return found.map((fault) => `${page}: "${text}" ${fault}`);
}

/** That the words stand there, and are no piece of a sentence whose rest says otherwise. */
function placeFaults(page: string, text: string, { pages }: Written): string[] {
  const content = pages.get(page);
  if (content === undefined) return ['is said of a page that is not there'];
  const words = inOneLine(text);
  if (!inOneLine(content).includes(words)) return ['does not stand there'];
  return unitsOf(content).some((unit) => words.includes(unit.text))
    ? []
    : ['is no whole sentence, table row or command'];
}

function sectionFaults(section: TracedSection, trace: Trace, written: Written): readonly string[] {
  const { page, heading } = section;
  const units = unitsIn(section, written);
  if (units.length === 0) return [`${page}: there is nothing under "${heading ?? page}"`];
  const excepted = trace.exceptions.filter((one) => one.page === page).map(({ text }) => inOneLine(text));
  const covered = [...promisesOf(trace, page), ...excepted];
  return units
    .filter((unit) => !covered.some((words) => words.includes(unit)))
    .map((unit) => `${page}: "${unit}" is neither promised nor excepted`);
}

function promisesOf({ requirements }: Trace, page: string): readonly string[] {
  return requirements.filter((one) => one.page === page).map(({ promise }) => inOneLine(promise));
}

function unitsIn({ page, heading, kinds }: TracedSection, { pages }: Written): readonly string[] {
  return unitsOf(pages.get(page) ?? '')
    .filter((unit) => heading === undefined || unit.headings.includes(heading))
    .filter((unit) => kinds === undefined || kinds.includes(unit.kind))
    .map((unit) => unit.text);
}
