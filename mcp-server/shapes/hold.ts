/** What was held, in answers: one line each. */
import { z } from 'zod';
import { holdInWords, type RecordedHold } from '../../shared/domain/holds.ts';
import { foreign, foreignText } from '../foreign-text.ts';

export const holdsShape = z.array(foreignText('What was held, when, and the proof.'));

export const holdLine = (hold: RecordedHold): string => foreign(holdInWords(hold));
