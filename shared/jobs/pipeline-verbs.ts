/** The verbs of the pipeline with their ports: what a runner does for each kind of job. */

import { openHost, openThisMachine } from '../access/open-host.ts';
import { openAt } from '../access/open-repository.ts';
import { questionsInOrder } from '../access/questions-in-order.ts';
import { configuredNames, findRepository, findSource, hostSpec } from '../config/look-up.ts';
import type { HostName, RepositoryName } from '../domain/names.ts';
import type { HostSpec } from '../domain/source.ts';
import { backup } from '../pipeline/backup.ts';
import { copy } from '../pipeline/copy.ts';
import { exportSource } from '../pipeline/export.ts';
import { forget } from '../pipeline/forget.ts';
import { drop } from '../pipeline/kept/drop.ts';
import { keep } from '../pipeline/kept/keep.ts';
import { OpenedPoint } from '../pipeline/open-point.ts';
import { prune } from '../pipeline/prune.ts';
import { repair } from '../pipeline/repair.ts';
import { restore } from '../pipeline/restore.ts';
import { bytesOfPaths } from '../pipeline/shown-path.ts';
import { sweep } from '../pipeline/sweep.ts';
import { check, verify } from '../pipeline/verify.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import type { RepositoryNotice } from '../repository/repository.ts';
import { REGISTRY } from '../snapshot/registry.ts';
import { troubleTeller } from './trouble-teller.ts';
import type { VerbPorts, Verbs } from './verbs.ts';

export const PIPELINE_VERBS: Verbs = {
  backup: (request, ports, signal) => {
    const source = findSource(ports.configuration, request.source);
    const host = hostSpec(ports.configuration, source.host);
    const questions = questionsInOrder(ports.prompter);
    const openFirst = repositoryOpener(source.repository, { ...ports, prompter: questions.first });
    const backupPorts = {
      ...ports,
      ...hostPorts(host, { ...ports, prompter: questions.second }),
      openRepository: (opening: AbortSignal) => openFirst(opening).finally(questions.firstIsThere),
    };
    const { plan, acceptClockSkew = false, resume } = request;
    return backup(
      { source, host, plan, acceptClockSkew },
      backupPorts,
      signal,
      resume === undefined ? 'or anew' : 'only',
    );
  },
  export: (request, ports, signal) => {
    const source = findSource(ports.configuration, request.source);
    const host = hostSpec(ports.configuration, source.host);
    const questions = questionsInOrder(ports.prompter);
    const keeperPorts = { ...ports, prompter: questions.first };
    const exportPorts = {
      ...hostPorts(host, { ...ports, prompter: questions.second }),
      openKeeper: async (keeper: HostName | undefined, openSignal: AbortSignal) =>
        await (keeper === undefined
          ? openThisMachine(keeperPorts, openSignal)
          : openHost(hostSpec(ports.configuration, keeper), keeperPorts, openSignal)
        ).finally(questions.firstIsThere),
    };
    // An archive lies here, and asks nobody.
    if (request.to.kind === 'archive') questions.firstIsThere();
    const { to, plan, acceptClockSkew = false } = request;
    return exportSource({ source, host, to, plan, acceptClockSkew }, exportPorts, signal);
  },
  restore: async ({ repository, restorePoint, paths, ...asked }, ports, signal) => {
    const open = repositoryOpener(repository, ports);
    const restorePorts = {
      ...ports,
      openHost: (openSignal: AbortSignal) => openThisMachine(ports, openSignal),
      openRepository: open,
    };
    const wanted =
      paths.length === 0 ? { restorePoint, paths: [] } : await namePaths(open, restorePoint, paths, signal);
    return restore({ ...asked, ...wanted }, restorePorts, signal);
  },
  check: ({ repository, ...settings }, ports, signal) =>
    check({ ...ports, openRepository: storeOpener(repository, ports) }, settings, signal),
  verify: ({ repository, ...settings }, ports, signal) =>
    verify({ ...ports, openRepository: storeOpener(repository, ports) }, settings, signal),
  copy: ({ from, to, restorePoints, filter, noLock }, ports, signal) => {
    const copyPorts = { ...ports, openSource: repositoryOpener(from, ports), openTarget: repositoryOpener(to, ports) };
    const configured = configuredNames(ports.configuration);
    return copy({ from, to, points: restorePoints, filter, configured, noLock }, copyPorts, signal);
  },
  forget: ({ repository, ...settings }, ports, signal) => {
    const configured = configuredNames(ports.configuration);
    return forget(settings, { ...ports, configured, openRepository: storeOpener(repository, ports) }, signal);
  },
  prune: ({ repository, ...settings }, ports, signal) =>
    prune(settings, { ...ports, openRepository: storeOpener(repository, ports) }, signal),
  repair: ({ repository, ...request }, ports, signal) =>
    repair(request, { ...ports, openRepository: storeOpener(repository, ports) }, signal),
  sweep: ({ host, plan }, ports, signal) =>
    sweep({ host, plan }, hostPorts(hostSpec(ports.configuration, host), ports), signal),
  'keep-snapshots': (request, ports, signal) => {
    const host = hostSpec(ports.configuration, request.host);
    const source = request.source && findSource(ports.configuration, request.source);
    return keep({ ...request, host, source }, hostPorts(host, ports), signal);
  },
  'drop-snapshots': (request, ports, signal) =>
    drop(request, hostPorts(hostSpec(ports.configuration, request.host), ports), signal),
};

function hostPorts(host: HostSpec, ports: VerbPorts) {
  const open = (signal: AbortSignal) => openHost(host, ports, signal);
  return { ...ports, registry: REGISTRY, openHost: open };
}

type Opener = (signal: AbortSignal) => Promise<OpenedRepository>;

/** For verbs that prove what is stored, or remove some of it: they see the store and no copies of it. */
function storeOpener(name: RepositoryName, ports: VerbPorts): Opener {
  return repositoryOpener(name, ports, true);
}

function repositoryOpener(name: RepositoryName, ports: VerbPorts, isFresh = false): Opener {
  const spec = findRepository(ports.configuration, name);
  const onNotice = (notice: RepositoryNotice): void => ports.emit({ type: 'warning', ...notice });
  const openPorts = {
    ...ports,
    patience: 'job' as const,
    onTrouble: troubleTeller(ports),
    onNotice,
    onChange: ports.storeEvents.of(name),
    login: () => ports.prompter,
    isFresh,
  };
  return (signal) => openAt(spec, ports.repositorySecrets(name), openPorts, signal);
}

/** Paths in a request are as shown; the pipeline wants the bytes of their names. */
async function namePaths(
  open: (signal: AbortSignal) => Promise<OpenedRepository>,
  restorePoint: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly restorePoint: string; readonly paths: readonly Buffer[] }> {
  await using repository = await open(signal);
  await repository.loadIndex(signal);
  const point = await repository.findRestorePoint(restorePoint, signal);
  const opened = new OpenedPoint(repository, point);
  // "latest" may be another one by now.
  return { restorePoint: point.id, paths: await bytesOfPaths(opened, paths, signal) };
}
