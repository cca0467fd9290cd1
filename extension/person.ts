/** The person at the editor: an input box for questions, a modal dialog for host keys. */
import * as vscode from 'vscode';
import type { HostKeyOffer, Question } from '../shared/domain/prompter.ts';
import type { Answer, Person } from './prompter.ts';
import { isRememberable } from './secrets.ts';

export const editorPerson: Person = { answer, trustHostKey };

function answer(question: Question, again: string | undefined, signal: AbortSignal): Promise<Answer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
  const box = vscode.window.createInputBox();
  const remember: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('key'),
    tooltip: vscode.l10n.t('Remember it in the secret storage of this machine'),
    location: vscode.QuickInputButtonLocation.Input,
    toggle: { checked: false },
  };
  box.title = question.subject;
  box.prompt = again === undefined ? question.text : `${again} ${question.text}`;
  box.password = !question.echo;
  box.ignoreFocusOut = true;
  if (isRememberable(question)) box.buttons = [remember];

  const hide = (): void => box.hide();
  signal.addEventListener('abort', hide, { once: true });
  box.onDidAccept(() => {
    resolve({ text: box.value, remember: remember.toggle?.checked === true });
    box.hide();
  });
  box.onDidHide(() => {
    resolve(undefined);
    signal.removeEventListener('abort', hide);
    box.dispose();
  });
  if (signal.aborted) hide();
  else box.show();
  return signal.aborted ? Promise.resolve(undefined) : promise;
}

async function trustHostKey(offer: HostKeyOffer, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const trust = vscode.l10n.t('Trust and Remember');
  const chosen = await vscode.window.showWarningMessage(
    vscode.l10n.t('The host "{0}" is not known yet. Do you trust its key?', offer.host),
    {
      modal: true,
      detail: vscode.l10n.t(
        '{0}\n{1} {2}\n\nCompare it with what the host itself says, for instance with "ssh-keygen -lf" on its console. If you trust it, it is written to known_hosts; if you do not, no connection is made.',
        offer.address,
        offer.keyType,
        offer.fingerprint,
      ),
    },
    trust,
  );
  return chosen === trust && !signal.aborted;
}
