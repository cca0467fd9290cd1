/** Back Up Now: starts the job in its own process and follows it. */
import * as vscode from 'vscode';
import { StillpointError } from '../../shared/base/errors.ts';
import type { Job } from '../../shared/domain/job.ts';
import type { HostName } from '../../shared/domain/names.ts';
import { type SourceName, sourceName } from '../../shared/domain/names.ts';
import { contentsOf } from '../../shared/domain/source.ts';
import { type JobRequest, madePoint } from '../../shared/domain/verbs/verbs.ts';
import { signalOf } from '../cancel.ts';
import { followInWindow } from '../progress.ts';
import { jobTitle, phaseWords } from '../verbs.ts';
import { nodeOf } from './node-argument.ts';
import type { CommandPorts } from './ports.ts';
import { showJobLog } from './show-job-log.ts';
import { openRestorePoint } from './show-restore-point.ts';

/** `argument`: a source's node, a host's node, a source's name, or nothing. */
export async function backUpNow(ports: CommandPorts, argument: unknown): Promise<void> {
  const source = await chooseSource(ports, argument);
  if (source === undefined) return;
  const { job } = await start(ports, { kind: 'backup', source });
  ports.feed.refresh();
  await followInWindow(job, {
    ...ports,
    showLog: ({ id }) => showJobLog(ports, id),
    showRestorePoint: async ({ id }) => {
      const { result } = await ports.core.use((stillpoint) => stillpoint.findJob(id));
      const point = madePoint(result);
      if (point !== undefined) await openRestorePoint(ports, undefined, point);
    },
  });
  ports.feed.refresh();
  ports.hosts.refreshSource(source);
}

/** Logs in once to ask for what is needed; from then on the job has its own process. */
async function start(ports: CommandPorts, request: JobRequest): Promise<{ readonly job: Job }> {
  const { t } = ports.wording;
  const title = jobTitle(request, t);
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    using cancel = signalOf(token, title);
    progress.report({ message: phaseWords(request.kind, 'connect', t) });
    return await ports.core.converse((stillpoint) => stillpoint.startJob(request, cancel.signal));
  });
}

async function chooseSource(ports: CommandPorts, argument: unknown): Promise<SourceName | undefined> {
  if (typeof argument === 'string') return sourceName(argument);
  const named = nodeOf(argument, 'source') ?? nodeOf(argument, 'no-restore-points');
  if (named !== undefined) return named.source.name;
  return pickSource(ports, nodeOf(argument, 'host')?.host.name);
}

async function pickSource(ports: CommandPorts, host: HostName | undefined): Promise<SourceName | undefined> {
  const all = await ports.core.use((stillpoint) => stillpoint.listSources());
  const sources = host === undefined ? all : all.filter((source) => source.host === host);
  if (sources.length === 0) {
    const file = await ports.core.use(async (stillpoint) => stillpoint.configFile);
    throw new StillpointError('config.unknown-source', vscode.l10n.t('"{0}" names no source to back up.', file), {
      advice: vscode.l10n.t('Write one under "sources": a host, its paths and a repository.'),
      cause: undefined,
    });
  }
  if (host !== undefined && sources.length === 1) return sources[0]?.name;
  const picked = await vscode.window.showQuickPick(
    sources.map((source) => ({
      label: source.name,
      description: vscode.l10n.t('{0} to {1}', source.host, source.repository),
      detail: contentsOf(source).map(String).join(', '),
      name: source.name,
    })),
    { title: vscode.l10n.t('Back Up Now'), placeHolder: vscode.l10n.t('Which source?') },
  );
  return picked?.name;
}
