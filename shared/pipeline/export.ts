/**
 * The export: from the volumes of a host to an archive or a mirror, by the very flow of a backup (`backup/run.ts`): the same
 * plan, critical section, end check and words for what is proved. `export/` has the two ends.
 */
import type { HostName } from '../domain/names.ts';
import type { ExportReport, ExportTarget } from '../domain/verbs/export.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { BackupRequest } from './backup/request.ts';
import { type RunPorts, runOver } from './backup/run.ts';
import { describeExport } from './describe-plan.ts';
import { openArchiveSink } from './export/archive.ts';
import { openMirrorSink } from './export/mirror.ts';
import type { Preparation } from './prepare.ts';

export interface ExportRequest extends BackupRequest {
  readonly to: ExportTarget;
}

export interface ExportPorts extends RunPorts {
  /** The machine of a mirror; this one where no other is named. */
  openKeeper(host: HostName | undefined, signal: AbortSignal): Promise<RemoteHost>;
}

export function exportSource(request: ExportRequest, ports: ExportPorts, signal: AbortSignal): Promise<ExportReport> {
  const { to } = request;
  const end = {
    openSink: (opening: AbortSignal) =>
      to.kind === 'archive' ? openArchiveSink(to, ports) : openMirrorSink(request.source, to, ports, opening),
    describe: (prepared: Preparation) => describeExport(request, prepared, { dead: [], registry: ports.registry }),
  };
  return runOver({ ...request, verb: 'export' }, end, ports, signal);
}
