/**
 * The one door for messages. An error is shown with its advice and at most one action beside "Show Log"; nothing is
 * said twice, and nothing waits for a message to be closed unless its answer is needed.
 */
import * as vscode from 'vscode';
import { isStillpointError, toErrorRecord } from '../shared/base/errors.ts';
import type { Logger } from '../shared/base/log.ts';

export interface Action {
  readonly title: string;
  readonly run: () => unknown;
}

export class Notifier {
  readonly #channel: vscode.LogOutputChannel;
  readonly #logger: Logger;

  constructor(channel: vscode.LogOutputChannel, logger: Logger) {
    this.#channel = channel;
    this.#logger = logger;
  }

  /** An error that the user's act ended in. A cancel by the user is not news to them and stays silent. */
  error(error: unknown, action?: Action): void {
    if (isStillpointError(error, 'run.cancelled')) return;
    const { code, message, advice } = toErrorRecord(error);
    this.#logger.log('error', message, { code, advice, cause: error instanceof Error ? error.stack : undefined });
    const showLog: Action = { title: vscode.l10n.t('Show Log'), run: () => this.#channel.show() };
    offer(vscode.window.showErrorMessage, `${message} ${advice}`, action ?? showLog);
  }

  warning(text: string, action?: Action): void {
    offer(vscode.window.showWarningMessage, text, action);
  }

  information(text: string, action?: Action): void {
    offer(vscode.window.showInformationMessage, text, action);
  }
}

type Show = (text: string, ...actions: string[]) => Thenable<string | undefined>;

function offer(show: Show, text: string, action: Action | undefined): void {
  const titles = action === undefined ? [] : [action.title];
  void show(text, ...titles).then((chosen) => (chosen === undefined ? undefined : action?.run()));
}
