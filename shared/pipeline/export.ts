/**
 * The export: from the volumes of a host to an archive or a mirror, by the very flow of a backup (`backup/run.ts`): the same
 * plan, critical section, end check and words for what is proved. `export/` has the two ends.
 */
import { abortable } from '../base/cancel.ts';
import type { HostName } from '../domain/names.ts';
import type { ExportReport, ExportTarget } from '../domain/verbs/export.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { BackupRequest } from './backup/request.ts';
import { type RunPorts, runOver } from './backup/run.ts';
import { describeExport } from './describe-plan.ts';
import { openArchiveSink } from './export/archive.ts';
import { openMirrorSink } from './export/mirror.ts';
import { refuseOwnSource } from './export/own-source.ts';
import type { Preparation } from './prepare.ts';

export interface ExportRequest extends BackupRequest {
  readonly to: ExportTarget;
}

export interface ExportPorts extends RunPorts {
  /** The machine of a mirror; this one where no other is named. */
  openKeeper(host: HostName | undefined, signal: AbortSignal): Promise<RemoteHost>;
}

export function exportSource(request: ExportRequest, ports: ExportPorts, signal: AbortSignal): Promise<ExportReport> {
  const { source, to } = request;
  const host = Promise.withResolvers<RemoteHost>();
  host.promise.catch(() => undefined);
  const openHost = async (opening: AbortSignal): Promise<RemoteHost> => {
    try {
      const opened = await ports.openHost(opening);
      host.resolve(opened);
      return opened;
    } catch (error) {
      host.reject(error);
      throw error;
    }
  };
  const end = {
    // Before anything is made. Where the host cannot be had, that ends the run.
    openSink: async (opening: AbortSignal) => {
      await using open = new AsyncDisposableStack();
      const keeper = open.use(await ports.openKeeper(to.kind === 'mirror' ? to.host : undefined, opening));
      const opened = await abortable(host.promise, opening).catch(() => undefined);
      if (opened !== undefined) await refuseOwnSource(source, to, { host: opened, keeper }, opening);
      if (to.kind === 'archive') return await openArchiveSink(to, ports);
      const openKeeper = async (): Promise<RemoteHost> => {
        open.move();
        return keeper;
      };
      return await openMirrorSink(source, to, { ...ports, openKeeper }, opening);
    },
    describe: (prepared: Preparation) => describeExport(request, prepared, { dead: [], registry: ports.registry }),
  };
  return runOver({ ...request, verb: 'export' }, end, { ...ports, openHost }, signal);
}
