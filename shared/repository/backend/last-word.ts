/** What is said of a call that was made again and again without success. What it means follows from what the store still does. */
import { StillpointError } from '../../base/errors.ts';

export type CallName = 'prepare' | 'save' | 'load' | 'stat' | 'list' | 'packFolders' | 'remove';

export interface Ended {
  readonly call: CallName;
  readonly tries: number;
  readonly passedMs: number;
  readonly answersOthers: boolean | undefined;
}

export function lastWord(error: StillpointError, { call, tries, passedMs, answersOthers }: Ended): StillpointError {
  if (tries === 1) return error;
  const how = `${tries} times within ${Math.ceil(passedMs / 1000)} s`;
  const [words, advice] =
    answersOthers === true
      ? [`It answers other requests, so it runs and refuses this one: ${how}.`, REFUSED[call]]
      : [
          answersOthers === false
            ? `It does not answer a request for "config" either. That was tried ${how}.`
            : `That was tried ${how}.`,
          error.advice,
        ];
  return new StillpointError(error.code, `${error.message} ${words}`, {
    advice,
    details: { ...error.details, tries, ...(answersOthers === undefined ? {} : { answersOthers }) },
    cause: error.cause,
    retry: error.retry,
  });
}

const LOG = 'Look into its log.';
const FULL = 'It may be full, over its quota, or its disk read-only: look at its free space, then into its log.';
const DAMAGED = `The file may lie on a damaged part of its disk. ${LOG}`;

const REFUSED: Readonly<Record<CallName, string>> = {
  prepare: FULL,
  save: FULL,
  load: DAMAGED,
  stat: DAMAGED,
  list: `A folder may lie on a damaged part of its disk. ${LOG}`,
  packFolders: `A folder may lie on a damaged part of its disk. ${LOG}`,
  remove: `It may not let files be removed, or its disk may be read-only. ${LOG}`,
};
