/**
 * A host that is full of secrets: databases with passwords in files of root's, an account that becomes root by a password, and a
 * key with a passphrase that opens it. In namespaces of this machine, with its data on Btrfs, behind a real sshd whose line can be
 * cut; whatever it starts is written down.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { type CuttableProxy, startCuttableProxy } from '../../lab/cuttable-proxy.ts';
import { writeSshConfig } from '../../lab/open-ssh.ts';
import { emptyMariadb, POSTGRES, START_MARIADB, withDatabases } from '../dump/dump-host.ts';
import { createKey } from '../remote/private-sshd.ts';
import { type BtrfsHost, startBtrfsHost } from '../snapshot/btrfs-host.ts';
import { tracedTo } from './traced.ts';

/** Values of what is secret on the host, or opens it. */
export interface HostSecrets {
  readonly sql: string;
  readonly wrongSql: string;
  readonly redis: string;
  readonly wrongRedis: string;
  readonly postgres: string;
  /** In the text of a program of the person's. */
  readonly program: string;
  readonly sudo: string;
  readonly passphrase: string;
}

export interface CanaryHost extends AsyncDisposable {
  readonly world: BtrfsHost;
  readonly proxy: CuttableProxy;
  /** With the hosts "db" (root) and "ann" (by her key, and by sudo). */
  readonly sshConfigFile: string;
  /** Paths as this machine sees them: where files may come to be, and where secrets were put on purpose. */
  readonly folders: readonly string[];
  readonly planted: readonly string[];
}

/** On the host. */
export const SECRETS = '/run/secrets';
export const REDIS_SOCKET = '/run/redis/redis.sock';
const LAB = '/run/lab';

const SETUP = `umask 022
mkdir -p ${SECRETS} ${LAB}/ann /run/sshd /srv/files; chmod 700 ${SECRETS}
btrfs -q subvolume create /mnt/@mysql; btrfs -q subvolume create /mnt/@files
${emptyMariadb('/mnt/made')}; cp -a /mnt/made/. /mnt/@mysql; chown --reference=/mnt/made /mnt/@mysql; rm -r /mnt/made
mkdir -p /var/lib/mysql; mount -o subvol=@mysql $disk /var/lib/mysql; mount -o subvol=@files $disk /srv/files
head -c 20000000 /dev/urandom > /srv/files/large; i=0; while [ $i -lt 300 ]; do echo $i > /srv/files/$i; i=$((i + 1)); done
install -d -o redis -g redis /srv/files/redis
${START_MARIADB}`;

/** What the host is like: it knows all of the secrets, and writes down as much as its servers can. */
const furnish = (secrets: HostSecrets): string => `umask 077
mariadb <<'SQL'
CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, what TEXT) ENGINE=InnoDB; INSERT INTO shop.orders VALUES (1, 'a');
CREATE USER backup@localhost IDENTIFIED BY '${secrets.sql}';
GRANT RELOAD, PROCESS, BINLOG MONITOR, SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO backup@localhost;
SET GLOBAL general_log_file = '/var/lib/mysql/said.log'; SET GLOBAL general_log = 1;
SQL
options() { printf '[client]\\nuser=backup\\npassword=%s\\n' "$2" > ${SECRETS}/$1.cnf; }
options sql '${secrets.sql}'; options wrong '${secrets.wrongSql}'
printf '%s\\n' '${secrets.redis}' > ${SECRETS}/redis; printf '%s\\n' '${secrets.wrongRedis}' > ${SECRETS}/wrong-redis
printf '%s\\n' 'port 0' 'unixsocket ${REDIS_SOCKET}' 'dir /srv/files/redis' 'save ""' 'loglevel debug' 'logfile /var/lib/redis/log' 'requirepass ${secrets.redis}' > ${SECRETS}/redis.conf
chmod 755 ${SECRETS}; chown redis ${SECRETS}/redis.conf
setsid setpriv --reuid=redis --regid=redis --clear-groups redis-server ${SECRETS}/redis.conf </dev/null >/dev/null 2>&1 &
until [ -S ${REDIS_SOCKET} ]; do sleep 0.1; done; chmod 700 ${SECRETS}
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
cd /; as psql -h /run/postgresql -X -q -d postgres <<'SQL'
CREATE ROLE backup LOGIN PASSWORD '${secrets.postgres}'; GRANT pg_read_all_data TO backup; CREATE DATABASE shop;
ALTER SYSTEM SET log_statement = 'all'; ALTER SYSTEM SET log_connections = on;
SQL
sed -i '1i local all backup scram-sha-256' /var/lib/postgresql/data/pg_hba.conf; as psql -h /run/postgresql -X -q -A -t -d postgres -c 'SELECT pg_reload_conf()' >/dev/null
printf '*:*:*:backup:%s\\n' '${secrets.postgres}' > /var/lib/postgresql/.pgpass; chown postgres: /var/lib/postgresql/.pgpass
cat > ${SECRETS}/shop <<'PROGRAM'
#!/bin/sh
token=${secrets.program}
case $1 in hold) : > ${LAB}/held ;; go-on) rm -f ${LAB}/held ;; is-held) [ -e ${LAB}/held ] ;; dump) echo "\${#token} letters" ;; esac
PROGRAM
chmod 700 ${SECRETS}/shop
echo 'ann:x:2100:2100::${LAB}/ann:/bin/sh' >> /etc/passwd; echo 'ann:x:2100:' >> /etc/group; chown 2100:2100 ${LAB}/ann
printf '%s\\n' 'Defaults env_reset, logfile=${LAB}/sudo.log' 'root ALL=(ALL:ALL) ALL' 'ann ALL=(ALL) ALL' > /etc/sudoers; chmod 440 /etc/sudoers`;

const SERVER = [
  ...[`HostKey ${LAB}/host_key`, `AuthorizedKeysFile ${LAB}/keys`, 'PidFile none', 'UsePAM no', 'UseDNS no'],
  ...['StrictModes no', 'PermitRootLogin yes', 'PasswordAuthentication no', 'LogLevel DEBUG3'],
  'Subsystem sftp internal-sftp',
];

/**
 * @param programs where `unpackDatabases` put the programs of the databases
 * @param folder of the client, which keeps its keys there
 * @param traces where what the host starts is written down
 */
export async function startCanaryHost(
  { programs, folder, traces }: { readonly programs: string; readonly folder: string; readonly traces: string },
  secrets: HostSecrets,
): Promise<CanaryHost> {
  await using started = new AsyncDisposableStack();
  await mkdir(folder, { recursive: true });
  const setup = `${withDatabases(programs)}\n${POSTGRES}\n${SETUP}`;
  const world = started.use(await startBtrfsHost(setup, { megabytes: 1024 }));
  const at = (name: string): string => join(folder, name);
  await createKey(at('root_key'), 'ed25519');
  await createKey(at('ann_key'), 'ed25519', secrets.passphrase);
  await createKey(at('host_key'), 'ed25519');
  const host = (path: string): string => join(world.root, path);
  const inside = (path: string, text: string): Promise<void> => writeFile(host(path), text, { mode: 0o600 });
  await inside(`${SECRETS}/furnish`, furnish(secrets));
  await world.sh(`. ${SECRETS}/furnish`);
  await inside(`${LAB}/host_key`, await readFile(at('host_key'), 'utf8'));
  const keys = [await readFile(at('root_key.pub'), 'utf8'), await readFile(at('ann_key.pub'), 'utf8')];
  await inside(`${LAB}/keys`, keys.join(''));
  await inside(`${LAB}/sshd_config`, `${SERVER.join('\n')}\n`);
  const { stdout: hash } = await execa('openssl', ['passwd', '-6', '-stdin'], { input: secrets.sudo });
  await inside(`${LAB}/line`, `ann:${hash}:19000:0:99999:7:::\n`);
  await world.sh(`cat ${LAB}/line >> /etc/shadow; rm ${LAB}/line; chmod 644 ${LAB}/keys`);
  const server = ['/usr/sbin/sshd', '-i', '-f', `${LAB}/sshd_config`, '-E', `${LAB}/sshd.log`];
  const into = ['nsenter', ...world.enter, '--', ...server];
  const trace = join(traces, 'host');
  const proxy = started.use(await startCuttableProxy([...tracedTo(trace), ...into]));
  const sudoing = started.use(await startCuttableProxy([...tracedTo(trace, 'more rights'), ...into]));
  const [type, key] = (await readFile(at('host_key.pub'), 'utf8')).split(' ');
  const known = [proxy, sudoing].map(({ port }) => `[127.0.0.1]:${port} ${type} ${key}\n`);
  await writeFile(at('known_hosts'), known.join(''));
  const options = {
    ...{ HostName: '127.0.0.1', IdentitiesOnly: 'yes', IdentityAgent: 'none' },
    ...{ UserKnownHostsFile: at('known_hosts'), GlobalKnownHostsFile: '/dev/null' },
  };
  const root = { ...options, Port: String(proxy.port), User: 'root', IdentityFile: at('root_key') };
  const ann = { ...options, Port: String(sudoing.port), User: 'ann', IdentityFile: at('ann_key') };
  const sshConfigFile = at('ssh_config');
  await writeSshConfig(sshConfigFile, [
    { name: 'db', options: root },
    { name: 'ann', options: ann },
  ]);
  const owned = started.move();
  return {
    ...{ world, proxy, sshConfigFile },
    folders: ['/run', '/var/lib', '/srv', '/var/log'].map(host),
    planted: [SECRETS, '/run/made', '/var/lib/postgresql/.pgpass'].map(host),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
