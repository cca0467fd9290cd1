/** Dumps in answers: one line each. */
import { z } from 'zod';
import type { PlannedDumpFile } from '../../shared/domain/dump.ts';
import { foreign, foreignText } from '../foreign-text.ts';

export const dumpsShape = z.array(foreignText('A dump: consistency, file.'));

export const dumpLine = ({ path, consistency }: PlannedDumpFile): string => foreign(`${consistency}: ${path}`);
