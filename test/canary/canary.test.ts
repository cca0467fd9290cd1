/**
 * No secret shows. Secrets are put into every place where one can be given; then people, assistants and jobs do all that they do,
 * with databases that are held and dumped, with what is wrong, with a line that is cut and a process that is killed. Meanwhile
 * every process and every file is looked at, here and on the host, and every program that is started is written down with its
 * words and its environment. What was put there on purpose proves that each of these eyes sees.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runOverSsh } from '../lab/open-ssh.ts';
import { allProcesses, commandLineOf, killIfAlive } from '../lab/process-tree.ts';
import { atTerminal } from '../support/at-terminal.ts';
import { whyNoTrace } from '../support/canary/traced.ts';
import { type CanaryUser, startCanary } from '../support/canary/user.ts';
import { unpackDatabases } from '../support/dump/dump-host.ts';
import { needing } from '../support/needing.ts';
import { whyNoBtrfsHost } from '../support/snapshot/btrfs-host.ts';
import { NO_RCLONE } from '../support/stores/rclone.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const unpacked = await temporaryFolder();
const root = join(unpacked.path, 'databases');
const whyNot = whyNoTrace() ?? NO_RCLONE ?? (await whyNoBtrfsHost()) ?? (await unpackDatabases(root));
const signalOf = (): AbortSignal => AbortSignal.timeout(200_000);

describe('no secret shows', { ...needing(whyNot), timeout: 10 * 60_000 }, () => {
  let canary: CanaryUser;
  beforeAll(async () => {
    canary = await startCanary(root);
  });
  afterAll(async () => {
    await canary?.[Symbol.asyncDispose]();
    await unpacked[Symbol.asyncDispose]();
  });

  /** What was printed counts as said; it has to end in this way. */
  const run = async (words: readonly string[], exitCode = 0): Promise<string> => {
    const ended = await canary.user.run(words, signalOf());
    const text = ended.stdout + ended.stderr;
    canary.said.push({ from: words.join(' '), text });
    expect(ended.exitCode, text).toBe(exitCode);
    return text;
  };
  /** A backup of new content; `inMiddle` is called when some of that has come. Types of its events, and how it ended. */
  const during = async (inMiddle: () => Promise<void>): Promise<readonly unknown[]> => {
    await canary.host.world.sh('head -c 40000000 /dev/urandom > /srv/files/large');
    const passed = canary.host.proxy.bytesPassed();
    const running = canary.user.start(['backup', 'files', '--json'], signalOf());
    let isOver = false;
    void running.finally(() => {
      isOver = true;
    });
    while (canary.host.proxy.bytesPassed() - passed < 8_000_000 && !isOver) await sleep(2);
    await inMiddle();
    const { exitCode, stdout, stderr } = await running;
    canary.said.push({ from: 'backup files --json, in the middle', text: stdout + stderr });
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: unknown }).type);
    return [exitCode, ...events];
  };

  test('on the command line, for people and for programs', async () => {
    expect(await run(['plan', 'shop'])).toContain('hold MariaDB still');
    await run(['plan', 'shop', '--scripts', '--json']);
    expect(await run(['backup', 'shop'])).toContain('application');
    await run(['backup', 'told', '--json']);
    for (const words of [
      ['verify', 'main'],
      ['check', 'told', '--json'],
      ['list', '--repository', 'main'],
      ['stats', 'main'],
      ['jobs', '--json'],
    ])
      await run(words);
    await run(['restore', 'latest', '--source', 'shop', '--to', 'restored']);
    await mkdir(join(canary.user.home, 'out'));
    await run(['export', 'files', '--tar', join(canary.user.home, 'out', 'files.tar.zst')]);
    await run(['forget', 'main', '--keep-last', '1', '--apply']);
    await run(['prune', 'main', '--apply']);
    await run(['advise', 'db']);
  });

  test('that was typed at a terminal', async () => {
    const { asked, passphrase, sudo } = canary.secret;
    const answers = Array.from({ length: 6 }, () => async (screen: string) => {
      if (screen.includes('Passphrase')) return `${passphrase.value}\r`;
      return `${(screen.includes('sudo') ? sudo : asked).value}\r`;
    });
    const question = /(?:[Pp]assword|Passphrase)[^\n]*: ?$/;
    for (const [asks, ...words] of [
      ['sudo password', 'backup', 'asked'],
      ['Password of the repository', 'verify', 'asked', '--json'],
    ] as const) {
      const { screen, exitCode } = await atTerminal(canary.user, words, { question, answers }, signalOf());
      canary.said.push({ from: `${words.join(' ')} at a terminal`, text: screen });
      expect(exitCode, screen).toBe(0);
      expect(screen).toContain(asks);
    }
  });

  test('of a store', async () => {
    for (const name of ['rest', 'inside', 's3']) {
      await run(['init', name]);
      await run(['backup', name, '--json']);
    }
    expect(await run(['list', '--repository', 'inside'])).not.toContain('%25');
  });

  test('to an assistant', async () => {
    const { mcpServer } = canary.user;
    const transport = new StdioClientTransport({
      ...mcpServer,
      args: [...mcpServer.args, '--log-level', 'debug'],
      stderr: 'pipe',
    });
    transport.stderr?.on('data', (chunk) =>
      canary.said.push({ from: 'the server of assistants', text: String(chunk) }),
    );
    const client = new Client({ name: 'stillpoint-test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(transport);
    const call = async (name: string, args: Record<string, unknown> = {}) => {
      const result = await client.callTool({ name, arguments: args });
      canary.said.push({ from: `the tool ${name}`, text: JSON.stringify(result) });
      return result;
    };
    for (const source of ['shop', 'asked', 'wrong-sql', 'refused']) await call('plan_backup', { source });
    const { structuredContent } = await call('start_backup', { source: 'told' });
    const { job } = structuredContent as { job: { jobId: string } };
    const end = async (): Promise<unknown> => {
      const answer = await call('get_job', { jobId: job.jobId, waitSeconds: 25 });
      return (answer.structuredContent as { job: { state: string } }).job.state;
    };
    await expect.poll(end, { timeout: 120_000 }).toBe('succeeded');
    for (const name of ['list_hosts', 'list_jobs', 'list_restore_points']) await call(name);
    for (const name of ['inspect_host', 'advise_host']) await call(name, { host: 'db' });
    await client.close();
  });

  test('where something is wrong with it', async () => {
    const words = (name: string, exitCode: number): Promise<string> => run(['backup', name], exitCode);
    expect(await words('wrong-sql', 5)).toContain("Access denied for user 'backup'");
    expect(await words('wrong-dump', 5)).toContain("Access denied for user 'backup'");
    expect(await words('wrong-redis', 5)).toContain('WRONGPASS');
    expect(await words('dead', 5)).toContain('Redis at /run/none cannot be asked');
    expect(await words('refused', 6)).toContain('[repository.wrong-password]');
    expect(await words('shut', 6)).toContain('[backend.denied]');
    expect(await run(['jobs'])).toContain('failed');
  });

  test('where the line is cut, and where the process is killed', async () => {
    const { proxy, world } = canary.host;
    const whole = await during(async () => {
      expect(await world.sh('ls /run/stillpoint')).not.toBe('');
      expect(await world.sh('find /run/stillpoint -perm /077 ! -type l'), 'open to others').toBe('');
      proxy.cut();
    });
    expect(whole[0]).toBe(0);
    expect(whole).toEqual(expect.arrayContaining(['connection-lost', 'connection-back']));
    const killed = await during(async () => {
      const jobs = join(canary.user.home, '.local/state/stillpoint');
      for (const pid of allProcesses()) if (commandLineOf(pid).includes(jobs)) killIfAlive(pid);
    });
    expect(killed[0]).not.toBe(0);
    // It goes on with what the one before has left, and what is noted for that.
    await run(['backup', 'files', '--json']);
    await run(['sweep', 'db']);
    expect(await canary.host.world.ours()).toEqual([]);
    await run(['verify', 'main']);
  });

  test('in any process, program, file or word, and whoever looks can see', async () => {
    const { decoy, user, host, traced } = canary;
    const quick = ['/bin/sh', '-c', 'sleep 1; :', 'sh'];
    const wait = (words: readonly string[], env: Record<string, string> = {}) =>
      execa(words[0] ?? '', words.slice(1), { env });
    await wait([...quick, decoy.argument.value]);
    await wait(quick, { TOKEN: decoy.environment.value });
    await wait([...traced, '/bin/true', decoy.hereProgram.value]);
    const db = { configFile: host.sshConfigFile, alias: 'db' };
    const script = `/bin/true '${decoy.hostProgram.value}'; TOKEN='${decoy.hostProgramEnvironment.value}' /bin/true`;
    await runOverSsh(db, script, { signal: signalOf() });
    const inBase64 = Buffer.from(`{"a":"${decoy.hereFile.value}"}`).toString('base64');
    await writeFile(join(user.home, '.local/state/stillpoint/token'), `authorization: Basic ${inBase64}`);
    const inHex = Buffer.from(decoy.hostFile.value).toString('hex');
    await host.world.sh(`printf %s 'x${inHex}' > /run/lab/token`);
    await run(['ls', decoy.said.value, '--repository', 'main'], 2);
    await sleep(1000);

    const { seen, rounds } = await canary.whatWasSeen();
    console.log(`Processes were looked at ${rounds.processes} times, files ${rounds.files} times.`);
    const decoys = Object.values(decoy);
    const found = (name: string): string => (seen.get(name) ?? []).join('\n');
    expect(found(decoy.argument.name)).toContain('argument /bin/sh');
    expect(found(decoy.environment.name)).toContain('environment /bin/sh');
    expect(found(decoy.hereFile.name)).toContain(`file ${user.home}`);
    expect(found(decoy.hostFile.name)).toContain('/run/lab/token');
    expect(found(decoy.hereProgram.name)).toContain('started here:');
    expect(found(decoy.hostProgram.name)).toContain('started host:');
    expect(found(decoy.hostProgramEnvironment.name)).toContain('started host:');
    expect(found(decoy.said.name)).toContain('said by ls');
    expect(rounds.processes).toBeGreaterThan(200);
    const shown = [...seen].filter(([name]) => !decoys.some((each) => each.name === name));
    expect(Object.fromEntries(shown)).toEqual({});
  });
});
