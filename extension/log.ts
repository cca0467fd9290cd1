/** Our Logger over the editor's log channel: level and place are the user's choice there. */
import type { LogOutputChannel } from 'vscode';
import { createLogger, type Logger } from '../shared/base/log.ts';

export function channelLogger(channel: LogOutputChannel): Logger {
  return createLogger(({ level, message, fields }) => {
    const text = Object.keys(fields).length === 0 ? message : `${message} ${JSON.stringify(fields)}`;
    channel[level](text);
  });
}
