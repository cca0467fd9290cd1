import { expect, test } from 'vitest';
import { createLogger, type LogFields, registerSecret } from '../../../shared/base/log.ts';

test('a registered secret is shown nowhere: not in the message, a field, an error or within', () => {
  registerSecret('hunter2-and-more');
  const entries: { message: string; fields: LogFields }[] = [];
  const logger = createLogger((entry) => entries.push(entry)).child({ host: 'db1', password: 'hunter2-and-more' });
  logger.log('warn', 'tried hunter2-and-more', {
    error: new Error('bad hunter2-and-more'),
    nested: { list: ['x hunter2-and-more'] },
  });
  expect(JSON.stringify(entries)).not.toContain('hunter2');
  expect(entries[0]?.fields).toMatchObject({ host: 'db1', nested: { list: ['x [redacted]'] } });
});
