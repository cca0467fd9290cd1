import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { commandLineOf, descendantsOf, killIfAlive } from '../../lab/process-tree.ts';

describe('a process that is looked at', () => {
  test('has its words and its parent', async () => {
    const child = spawn('sleep', ['300']);
    await once(child, 'spawn');
    const pid = child.pid as number;
    expect(descendantsOf(process.pid)).toContain(pid);
    await expect.poll(() => commandLineOf(pid)).toEqual(['sleep', '300', '']);
    killIfAlive(pid, 'SIGTERM');
    expect((await once(child, 'exit'))[1]).toBe('SIGTERM');
  });

  test('has none of them, and takes no signal, when it ended after it was listed', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    const pid = child.pid as number;
    expect(commandLineOf(pid)).toEqual([]);
    expect(() => killIfAlive(pid, 'SIGSTOP')).not.toThrow();
    expect(descendantsOf(process.pid)).not.toContain(pid);
  });
});
