/**
 * The entry of the extension. It registers and returns: no disk, no network, no core before the user opens a view or
 * runs a command. Everything that it makes belongs to the context and ends with it.
 */
import * as vscode from 'vscode';
import { registerCommands } from './commands/register-commands.ts';
import { configFileSetting } from './config-place.ts';
import { ConfigProblems } from './config-problems.ts';
import { CONFIG_FILE_SETTING } from './config-setting.ts';
import { Core } from './core.ts';
import { DocumentsOnDemand, JOB_LOG_SCHEME, RESTORE_POINT_SCHEME } from './documents-on-demand.ts';
import { JobsFeed } from './jobs-feed.ts';
import { channelLogger } from './log.ts';
import { Notifier } from './notify.ts';
import { type Person, PersonPrompter } from './prompter.ts';
import { RememberedSecrets } from './secrets.ts';
import { offerTerminalCommand } from './terminal-command.ts';
import type { Wording } from './texts/wording.ts';
import { HostsTree } from './tree/hosts-tree.ts';
import { JobsTree } from './tree/jobs-tree.ts';
import { connectViews } from './views.ts';

/** What the host tests look at; not an interface for other extensions. */
export interface ExtensionParts {
  readonly hosts: HostsTree;
  readonly jobs: JobsTree;
}

/** The questions are loaded when the first one is asked. */
const editorPerson: Person = {
  answer: async (...asked) => (await import('./person.ts')).editorPerson.answer(...asked),
  trustHostKey: async (...asked) => (await import('./person.ts')).editorPerson.trustHostKey(...asked),
};

export function activate(context: vscode.ExtensionContext): ExtensionParts | undefined {
  const own = <T extends vscode.Disposable>(part: T): T => {
    context.subscriptions.push(part);
    return part;
  };
  const channel = own(vscode.window.createOutputChannel('Stillpoint', { log: true }));
  const logger = channelLogger(channel);
  const notify = new Notifier(channel, logger);
  const wording: Wording = {
    t: (message, ...values) => vscode.l10n.t(message, ...values),
    locale: vscode.env.language,
  };
  const secrets = new RememberedSecrets(context.secrets);
  const prompter = new PersonPrompter(editorPerson, secrets, {
    refused: vscode.l10n.t('The last answer was not accepted.'),
    typeTwice: vscode.l10n.t('Type it once more.'),
    different: vscode.l10n.t('The two were not the same.'),
  });
  const core = own(new Core({ prompter, logger, configFile: configFileSetting }));
  const feed = own(new JobsFeed(core, logger));
  const hosts = own(new HostsTree(core, wording));
  const jobs = own(new JobsTree(feed, wording));
  const documents: Readonly<Record<string, DocumentsOnDemand>> = {
    [JOB_LOG_SCHEME]: own(
      new DocumentsOnDemand(async () => {
        const { JobLogDocuments } = await import('./job-log-document.ts');
        return new JobLogDocuments(core, logger, wording);
      }),
    ),
    [RESTORE_POINT_SCHEME]: own(
      new DocumentsOnDemand(async () => {
        const { RestorePointDocuments } = await import('./restore-point-document.ts');
        return new RestorePointDocuments(core, wording);
      }),
    ),
  };

  own(connectViews({ hosts, jobs, feed, wording }));
  for (const [scheme, provider] of Object.entries(documents))
    own(vscode.workspace.registerTextDocumentContentProvider(scheme, provider));
  own(registerCommands({ core, notify, wording, prompter, secrets, feed, hosts, jobs }));
  const problems = own(new ConfigProblems(core));
  const offerTerminals = (): void => offerTerminalCommand(context, settingOrNothing());
  own(lookAgainAfterEdits(core, hosts, problems, offerTerminals));
  offerTerminals();
  return context.extensionMode === vscode.ExtensionMode.Test ? { hosts, jobs } : undefined;
}

/** A setting that names no file is said where the configuration is needed, and does not keep the extension from starting. */
function settingOrNothing(): string | undefined {
  try {
    return configFileSetting();
  } catch {
    return undefined;
  }
}

/** The configuration counts from the moment in which it is saved. */
function lookAgainAfterEdits(
  core: Core,
  hosts: HostsTree,
  problems: ConfigProblems,
  offerTerminals: () => void,
): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (!change.affectsConfiguration(CONFIG_FILE_SETTING)) return;
      offerTerminals();
      core.reopen();
      hosts.refreshAll();
    }),
    vscode.workspace.onDidSaveTextDocument(async (document) => {
      if (await problems.look(document)) await hosts.refreshAfterEdit();
    }),
  );
}
