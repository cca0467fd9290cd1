/**
 * Names and ids. They are made by these constructors only, so that a name that reaches a command, a path or a stored
 * record has been looked at once, and a host's name can never be taken for a repository's.
 */
import { randomBytes } from 'node:crypto';
import type { Branded } from '../base/brand.ts';
import { StillpointError } from '../base/errors.ts';

export type HostName = Branded<string, 'HostName'>;
export type SourceName = Branded<string, 'SourceName'>;
export type RepositoryName = Branded<string, 'RepositoryName'>;
/** Eight hex digits: short enough for every storage's names, random enough for one host's lifetime. */
export type RunId = Branded<string, 'RunId'>;
/** Twelve hex digits: whose traces on a host these are; one per user's state folder. */
export type OwnerId = Branded<string, 'OwnerId'>;
export type JobId = Branded<string, 'JobId'>;
/** 64 hex digits: the id of the restore point's file in its repository. */
export type RestorePointId = Branded<string, 'RestorePointId'>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@:-]{0,127}$/;

function name<T extends string>(kind: string, value: string): Branded<string, T> {
  if (NAME.test(value)) return value as Branded<string, T>;
  throw new StillpointError('usage.invalid', `"${value}" cannot be the name of a ${kind}.`, {
    advice: `${value.includes('/') ? 'It looks like a path or a location, and a name stands here. ' : ''}Use letters, digits and . _ @ : - and begin with a letter or digit; at most 128 characters.`,
    cause: undefined,
  });
}

function hex<T extends string>(kind: string, digits: number, value: string): Branded<string, T> {
  if (value.length === digits && /^[0-9a-f]+$/.test(value)) return value as Branded<string, T>;
  throw new StillpointError('usage.invalid', `"${value}" is not the id of a ${kind}.`, {
    advice: `It has ${digits} digits, which are 0 to 9 and a to f in small letters; list the ${kind}s to see the ids.`,
    cause: undefined,
  });
}

export const hostName = (value: string): HostName => name<'HostName'>('host', value);
export const sourceName = (value: string): SourceName => name<'SourceName'>('source', value);
export const repositoryName = (value: string): RepositoryName => name<'RepositoryName'>('repository', value);
export const runId = (value: string): RunId => hex<'RunId'>('run', 8, value);
export const ownerId = (value: string): OwnerId => hex<'OwnerId'>('owner', 12, value);
export const jobId = (value: string): JobId => hex<'JobId'>('job', 16, value);
export const restorePointId = (value: string): RestorePointId => hex<'RestorePointId'>('restore point', 64, value);

export const newRunId = (): RunId => runId(randomBytes(4).toString('hex'));
export const newOwnerId = (): OwnerId => ownerId(randomBytes(6).toString('hex'));
export const newJobId = (): JobId => jobId(randomBytes(8).toString('hex'));
