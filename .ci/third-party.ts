/** The licence notices of bundled packages, which have to go wherever the bundle goes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './process.ts';

const NOTICE_FILE = /^(licen[cs]e|copying|notice)/i;

/** `inputs` are the paths of all bundled files from the top of the project. */
export function gatherLicences(inputs: readonly string[]): string {
  const folders = new Set(inputs.map(packageFolder).filter((folder) => folder !== undefined));
  const notices = [...folders].sort().map(notice);
  return `Stillpoint contains the following packages.\n\n${notices.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

function packageFolder(input: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

function notice(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const files = readdirSync(join(ROOT, folder)).filter((file) => NOTICE_FILE.test(file));
  if (files.length === 0 && license === undefined) throw new Error(`${folder} states no licence`);
  const texts = files.map((file) => readFileSync(join(ROOT, folder, file), 'utf8').trim());
  return [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n').concat('\n');
}
