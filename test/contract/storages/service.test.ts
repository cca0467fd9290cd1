/** Services that are stopped: those of systemd in the lab's guest, of OpenRC and of /etc/init.d in namespaces of this machine. */
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Hook } from '../../../shared/quiesce/hook.ts';
import { holdOf, services } from '../../../shared/quiesce/service/hook.ts';
import { reasonLabCannotRun } from '../../lab/requirements.ts';
import { holdOnce } from '../../support/quiesce/hold-once.ts';
import { unpackDebian } from '../../support/snapshot/debian-overlay.ts';
import { SOURCE } from '../../support/snapshot/folder-copy.ts';
import { whyNoNamespaceHost } from '../../support/snapshot/namespace-host.ts';
import { inGuest, startFolderCopyHost } from '../../support/snapshot/provider-fixtures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type HookFixture, hookContract } from '../hook.ts';

const hook: HookFixture['hook'] = (terms): Hook => ({
  ...services,
  plan: (_source, run) => [holdOf('shop', run, terms)],
});

/** A service, one that needs it, and a socket that triggers it. */
const UNITS = `
unit() { cat > "/etc/systemd/system/$1"; }
unit shop.service <<'END'
[Service]
ExecStart=/bin/sleep infinity
END
unit web.service <<'END'
[Unit]
Requires=shop.service
After=shop.service
[Service]
ExecStart=/bin/sleep infinity
END
unit shop.socket <<'END'
[Socket]
ListenStream=/run/shop.socket
END
systemctl daemon-reload; systemctl start shop.socket web.service`;

async function systemdFixture(): Promise<HookFixture> {
  const world = await inGuest();
  const isHeldScript =
    '! systemctl -q is-active shop || ! systemctl -q is-active web || ! systemctl -q is-active shop.socket';
  await world.sh(`${UNITS}\nmkdir /srv/copied; mount -t tmpfs ${SOURCE} /srv/copied`);
  return {
    ...world,
    hook,
    isHeld: async () => (await world.sh(`! { ${isHeldScript}; } || echo held`)).trim() === 'held',
    isHeldScript,
    letGoScript: 'systemctl start shop.socket web',
    async withoutFreezing(work) {
      await world.sh(
        'mkdir -p /etc/systemd/system/shop.service.d; printf "[Unit]\\nRefuseManualStop=yes\\n" > /etc/systemd/system/shop.service.d/no.conf; systemctl daemon-reload',
      );
      await work();
      await world.sh('rm -r /etc/systemd/system/shop.service.d; systemctl daemon-reload');
    },
    folder: '/srv/copied',
    // A program starts in a tenth of a second there.
    slowness: 4,
  };
}

/** Nobody takes leave of the dead in these namespaces: a process that has ended is there without a command line. */
const INIT_SCRIPT = `#!/bin/sh
pid=$(cat /run/shop.pid 2>/dev/null)
runs() { [ -n "$pid" ] && [ -n "$(tr -d '\\0' 2>/dev/null < "/proc/$pid/cmdline")" ]; }
case $1 in
  start) setsid sleep 100000 </dev/null >/dev/null 2>&1 & echo $! > /run/shop.pid ;;
  stop)
    [ ! -e /run/shop.sticks ] || exit 1
    [ ! -e /run/shop.lingers ] || { ( sleep 4; kill "$pid" ) </dev/null >/dev/null 2>&1 & exit 0; }
    [ ! -e /run/shop.slow ] || sleep 7
    kill "$pid"; while runs; do sleep 0.1; done ;;
  status) runs ;;
esac
`;

async function initScriptFixture(): Promise<HookFixture> {
  const world = await startFolderCopyHost();
  const isHeldScript = '! /etc/init.d/shop status';
  await world.sh(`mount -t tmpfs tmpfs /etc/init.d; mount -t tmpfs tmpfs /var/lib
cat > /etc/init.d/shop <<'END'
${INIT_SCRIPT}END
chmod 755 /etc/init.d/shop; /etc/init.d/shop start`);
  return {
    ...world,
    hook,
    isHeld: async () => (await world.sh(`! { ${isHeldScript}; } || echo held`)).trim() === 'held',
    isHeldScript,
    letGoScript: '/etc/init.d/shop start',
    async withoutFreezing(work) {
      await world.sh(': > /run/shop.sticks');
      await work();
      await world.sh('rm /run/shop.sticks');
    },
    folder: '/run/copied',
  };
}

/** A service, one that needs it, and one that this one needs. */
const OPENRC_SERVICES = `
service() { { echo '#!/sbin/openrc-run'; cat; } > "/etc/init.d/$1"; chmod 755 "/etc/init.d/$1"; }
service db <<'END'
command=/bin/sleep command_args=100001 command_background=yes pidfile=/run/db.pid
END
service shop <<'END'
command=/bin/sleep command_args=100002 command_background=yes pidfile=/run/shop.pid
depend() { need db; }
stop_pre() { [ ! -e /run/shop.sticks ]; }
END
service web <<'END'
command=/bin/sleep command_args=100003 command_background=yes pidfile=/run/web.pid
depend() { need shop; }
END`;

function openRcFixture(root: string) {
  return async (): Promise<HookFixture> => {
    const world = await startFolderCopyHost();
    const isHeldScript = '! rc-service -q shop status >/dev/null 2>&1 || ! rc-service -q web status >/dev/null 2>&1';
    await world.sh(`mkdir -p /run/over/upper /run/over/work
mount -t overlay -o lowerdir=${root}/usr:/usr overlay /usr; mount -t tmpfs tmpfs /usr/local/sbin
mount -t overlay -o lowerdir=${root}/etc:/etc,upperdir=/run/over/upper,workdir=/run/over/work overlay /etc
mount -t tmpfs tmpfs /var/lib
rm -rf /etc/init.d/* /etc/runlevels/*; mkdir -p /etc/runlevels/default /etc/runlevels/boot /etc/runlevels/sysinit; : > /etc/insserv.conf
${OPENRC_SERVICES}
{ openrc sysinit; openrc boot; openrc default; rc-service web start; } >/dev/null 2>&1`);
    return {
      ...world,
      hook,
      isHeld: async () => (await world.sh(`! { ${isHeldScript}; } || echo held`)).trim() === 'held',
      isHeldScript,
      letGoScript: 'rc-service shop start; rc-service web start',
      async withoutFreezing(work) {
        await world.sh(': > /run/shop.sticks');
        await work();
        await world.sh('rm /run/shop.sticks');
      },
      folder: '/run/copied',
    };
  };
}

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const openRc = join(folder.path, 'openrc');
const noOpenRc = await unpackDebian(openRc, ['openrc', 'librc1', 'libeinfo1']);
hookContract('service of OpenRC', noOpenRc, openRcFixture(openRc), 'each program in a thorough run');
const noNamespaces = await whyNoNamespaceHost();
hookContract('service of /etc/init.d', noNamespaces, initScriptFixture);
// In the slow guest the kills take minutes; what is killed there is the same.
hookContract('service of systemd', await reasonLabCannotRun(), systemdFixture, 'each program in a thorough run');

/** While it is being stopped, it still looks as if it ran. */
test.for([
  ['takes longer to stop than it may be down', 'slow', { failed: { part: 0, exitCode: 93 } }],
  [
    'ends after the script that stops it',
    'lingers',
    { result: { held: [{ provedUptime: expect.any(Number) as unknown }] } },
  ],
] as const)('a service that %s runs in the end', async ([, how, answer], { skip }) => {
  skip(noNamespaces !== undefined, noNamespaces);
  await using world = await initScriptFixture();
  await world.sh(`: > /run/shop.${how}`);
  const deadlineSeconds = how === 'slow' ? 2 : 60;
  const said = await holdOnce(world.host, services, (run) =>
    holdOf('shop', run, { holds: 'until-snapshots', deadlineSeconds }),
  );
  expect(said).toMatchObject(answer);
  await world.sh('sleep 5');
  expect(await world.isHeld()).toBe(false);
  expect(await world.sh('ls /var/lib')).toBe('');
});
