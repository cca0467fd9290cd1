/** The person at the editor: an input box for questions, a modal dialog for host keys. */
import * as vscode from 'vscode';
import type { HostKeyOffer, Question } from '../shared/domain/prompter.ts';
import type { Answer, Person } from './prompter.ts';
import { isRememberable } from './secrets.ts';
import { describeHostKey } from './texts/host-key.ts';

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

/** The first button is the one that Enter presses: it must not be the one that trusts. */
async function trustHostKey(offer: HostKeyOffer, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const refuse = vscode.l10n.t('Do Not Connect');
  const trust = vscode.l10n.t('Trust and Remember');
  const { message, detail } = describeHostKey(offer, (text, ...values) => vscode.l10n.t(text, ...values));
  const chosen = await vscode.window.showWarningMessage(message, { modal: true, detail }, refuse, trust);
  return chosen === trust && !signal.aborted;
}
