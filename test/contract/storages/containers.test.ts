/** Containers of Docker that are stopped: with a daemon of their own in namespaces of this machine. */

import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pauses } from '../../../shared/quiesce/pause/hook.ts';
import { holdOf, services } from '../../../shared/quiesce/service/hook.ts';
import { servicesOnHost } from '../../../shared/quiesce/service/on-host.ts';
import { quoteArg } from '../../../shared/remote/quoting.ts';
import { holdOnce } from '../../support/quiesce/hold-once.ts';
import { DOCKER_DAEMON, DOCKER_RUNNING, startDockerHost, whyNoDocker } from '../../support/snapshot/docker-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type HookFixture, hookContract } from '../hook.ts';

const POLICIES = 'docker inspect -f "{{.HostConfig.RestartPolicy.Name}}" shop-db-1 shop-web-1';

function dockerFixture(root: string) {
  return async (): Promise<HookFixture> => {
    const world = await startDockerHost(root);
    const isHeldScript = `${DOCKER_RUNNING} | grep -q false`;
    return {
      ...world,
      hook: (terms) => ({ ...services, plan: (_source, run) => [holdOf('compose:shop', run, terms)] }),
      isHeld: async () => (await world.sh(`! { ${isHeldScript}; } || echo held`)).trim() === 'held',
      isHeldScript,
      letGoScript: 'docker start shop-db-1 shop-web-1',
      async withoutFreezing(work) {
        await world.sh('docker pause shop-web-1');
        await work();
        await world.sh('docker unpause shop-web-1');
      },
      folder: '/run/copied',
      // Its client asks the daemon a dozen times.
      slowness: 2,
    };
  };
}

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'docker');
const noDocker = await whyNoDocker(root);
hookContract('containers of docker', noDocker, dockerFixture(root), 'each program in a thorough run');

describe('containers', () => {
  let world: HookFixture;
  const sh = (script: string): Promise<string> => world.sh(script);
  const quoted = (text: string): string => quoteArg(text).toString('utf8');
  /** The freeze of a hold, and what a host does to let go, as they run there. */
  const freeze = (name: string, deadlineSeconds = 300): Promise<string> => {
    const { script, args } = holdOf(name, '0123abcd', { holds: 'until-snapshots', deadlineSeconds }).freeze;
    return sh(
      `/bin/sh -c ${quoted(`${servicesOnHost.script}\nf() { ( ${script}\n) }; f "$@"`)} sh ${args.map((arg) => quoted(String(arg))).join(' ')} 2>&1`,
    );
  };
  const thaw = (name: string): Promise<string> =>
    sh(`/bin/sh -c ${quoted(`${servicesOnHost.script}\nsp_service_thaw ${name} 0123abcd`)}`);

  beforeEach(({ skip }) => skip(noDocker !== undefined, noDocker));
  beforeAll(async () => {
    if (noDocker === undefined) world = await dockerFixture(root)();
  });
  afterEach(async () => {
    if (noDocker === undefined) await sh('docker rm -f odd 2>/dev/null || :');
    if (noDocker === undefined) await thaw('compose:shop');
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  test('are stopped the last first, come back in the other order, and have their restart policies again', async () => {
    await freeze('compose:shop');
    expect(await sh(DOCKER_RUNNING)).toBe('false\nfalse');
    // By itself Docker would not start what was stopped by hand and has "unless-stopped".
    expect(await sh(POLICIES)).toBe('always\nno');
    const times = (field: string): Promise<string> =>
      sh(`docker inspect -f '{{.State.${field}}}' shop-db-1 shop-web-1`);
    const [db = '', web = ''] = (await times('FinishedAt')).split('\n');
    expect(Date.parse(web)).toBeLessThanOrEqual(Date.parse(db));
    await thaw('compose:shop');
    expect(await sh(DOCKER_RUNNING)).toBe('true\ntrue');
    expect(await sh(POLICIES)).toBe('unless-stopped\nno');
    const [dbStart = '', webStart = ''] = (await times('StartedAt')).split('\n');
    expect(Date.parse(dbStart)).toBeLessThanOrEqual(Date.parse(webStart));
  });

  test('are left stopped where they were stopped before', async () => {
    await sh('docker stop shop-web-1');
    await freeze('compose:shop');
    await thaw('compose:shop');
    expect(await sh(DOCKER_RUNNING)).toBe('true\nfalse');
    await sh('docker start shop-web-1');
  });

  test('come back when the daemon is started anew in the meantime, and are not believed to have been still', async () => {
    await freeze('compose:shop');
    await sh(`kill "$(cat /run/docker.pid)"; while [ -e /run/docker.pid ]; do sleep 0.1; done; ${DOCKER_DAEMON}`);
    await expect.poll(() => sh(DOCKER_RUNNING)).toBe('true\nfalse');
    const { script } = holdOf('compose:shop', '0123abcd', { holds: 'until-snapshots' }).prove;
    const proves = `${servicesOnHost.script}\nf() { ( ${script}\n) }; f compose:shop && echo proved || echo not`;
    expect(await sh(`/bin/sh -c ${quoted(proves)}`)).toBe('not');
    await thaw('compose:shop');
    expect(await sh(`${DOCKER_RUNNING}; ${POLICIES}`)).toBe('true\ntrue\nunless-stopped\nno');
  });

  test('of which nothing was stopped yet leave nothing on the disk', async () => {
    for (const name of ['new', 'sh', 'tries', '']) {
      const file = name === '' ? '' : `echo 'run 0123abcd' > /var/lib/stillpoint/stopped/compose:shop.${name}`;
      await sh(`mkdir -p /var/lib/stillpoint/stopped; ${file}`);
      await thaw('compose:shop');
      expect(await sh('ls -A /var/lib'), name).toBe('');
    }
  });

  test('that somebody replaced are not waited for', async () => {
    await freeze('container:shop-web-1');
    await sh(
      'docker rm shop-web-1; docker run -d --network none --name shop-web-1 --label com.docker.compose.project=shop --stop-signal KILL busybox /busybox sleep 1000',
    );
    await thaw('container:shop-web-1');
    expect(await sh('ls /var/lib/stillpoint 2>/dev/null || echo nothing')).toBe('nothing');
  });

  test.for([
    ['--rm', 'removed when it is stopped'],
    ['--label com.docker.swarm.service.id=abc', 'belongs to a swarm'],
  ])('with %s are not stopped', async ([option, says]) => {
    await sh(`docker run -d --network none --name odd ${option} --stop-signal KILL busybox /busybox sleep 1000`);
    await expect(freeze('container:odd')).rejects.toThrow(says);
    expect(await sh("docker inspect -f '{{.State.Running}}' odd")).toBe('true');
    await thaw('container:odd');
  });

  test('that take longer to stop than they may be down run in the end', async () => {
    // The first process of a container does not hear what would end another one.
    await sh('docker run -d --network none --name odd --stop-timeout 6 busybox /busybox sleep 1000');
    const said = await holdOnce(world.host, services, (run) =>
      holdOf('container:odd', run, { holds: 'until-snapshots', deadlineSeconds: 2 }),
    );
    await sh('sleep 2');
    expect(await sh("docker inspect -f '{{.State.Running}}' odd; ls -A /var/lib")).toBe('true');
    expect(said).toMatchObject({ failed: { exitCode: 93 } });
  });

  test('and projects that are not there are told', async () => {
    const question = services.look?.({
      stop: ['compose:shop', 'compose:none', 'container:shop-db-1', 'container:x'],
    } as never);
    if (question === undefined) throw new Error('nothing is asked');
    const look = await world.host.run(question, AbortSignal.timeout(20_000));
    expect(look.lacks).toMatchObject([
      { message: 'There is no project of docker compose "none".' },
      { message: 'There is no container "x".' },
    ]);
    // Who names one of a project waits for who has the project.
    expect(look.facts).toMatchObject({ 'known-0': '', 'known-2': 'shop' });
    const pausing = pauses.look?.({
      quiesce: ['container:shop-db-1', 'compose:shop'].map((what) => ({ of: 'pause', what })),
    } as never);
    if (pausing === undefined) throw new Error('nothing is asked');
    expect(await world.host.run(pausing, AbortSignal.timeout(20_000))).toMatchObject({
      lacks: [],
      facts: { 'known-0': 'shop', 'known-1': '' },
    });
  });
});
