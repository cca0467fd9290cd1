/**
 * Somebody whose secrets are in every place that a secret can be in, and all that is heard of them: what the programs print,
 * which programs they start with which words, and what comes to lie on the disk meanwhile, here and on the host.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { createRepository } from '../../../shared/repository/open-repository.ts';
import { type InstalledUser, installedUser } from '../installed-user.ts';
import { startRclone } from '../stores/rclone.ts';
import { BUCKET, KEYS, startS3rver } from '../stores/s3rver.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { CHEAP_KEY } from '../test-repository.ts';
import { type CanaryHost, REDIS_SOCKET, SECRETS, startCanaryHost } from './host.ts';
import type { LookOrder, Rounds, Sighting } from './look-main.ts';
import { Eyes, makeSecret, type Secret } from './secrets.ts';
import { tracedTo, tracesIn } from './traced.ts';

/** What JSON, an address and a shell write otherwise than it is. */
const ODD = `"'\\ %+/&ü`;

const SECRET = {
  main: makeSecret('the password in a file', ODD),
  told: makeSecret('the password that a command prints', ODD),
  asked: makeSecret('the password that is typed', ODD),
  refused: makeSecret('a wrong password in a file', ODD),
  passphrase: makeSecret('the passphrase of a key', '%+/&'),
  sudo: makeSecret('the password of sudo', '%+/&'),
  sql: makeSecret('the password of MariaDB'),
  wrongSql: makeSecret('a wrong password of MariaDB'),
  redis: makeSecret('the password of Redis'),
  wrongRedis: makeSecret('a wrong password of Redis'),
  postgres: makeSecret('the password of PostgreSQL'),
  program: makeSecret("what is in a person's program"),
  rest: makeSecret('the password of a REST server', '%+&'),
  wrongRest: makeSecret('a wrong password of a REST server', '%+&'),
  s3: makeSecret('the secret key of S3', '+/'),
} satisfies Record<string, Secret>;

/** Put where each eye looks, so that it is known to see. */
const DECOY = {
  argument: makeSecret('an argument for a moment'),
  environment: makeSecret('an environment for a moment'),
  hereFile: makeSecret('a file here'),
  hostFile: makeSecret('a file on the host'),
  hereProgram: makeSecret('a program that was started here'),
  hostProgram: makeSecret('a program that was started on the host'),
  hostProgramEnvironment: makeSecret('the environment of a program on the host'),
  said: makeSecret('what is printed'),
} satisfies Record<string, Secret>;

export interface CanaryUser extends AsyncDisposable {
  readonly user: InstalledUser;
  readonly host: CanaryHost;
  readonly secret: Readonly<Record<keyof typeof SECRET, Secret>>;
  readonly decoy: Readonly<Record<keyof typeof DECOY, Secret>>;
  /** All that was said to somebody. */
  readonly said: { readonly from: string; readonly text: string }[];
  /** Words before a program that is to be watched as those of the user are. */
  readonly traced: readonly string[];
  /** Ends the looking; what was seen, secret by secret, and how often it was looked. */
  whatWasSeen(): Promise<{ readonly seen: ReadonlyMap<string, readonly string[]>; readonly rounds: Rounds }>;
}

const quiesce = (optionFile: string) => [
  { of: 'redis', socket: REDIS_SOCKET, passwordFileOnHost: `${SECRETS}/redis` },
  {
    ...{ of: 'commands', name: 'shop' },
    ...{
      before: [`${SECRETS}/shop`, 'hold'],
      after: [`${SECRETS}/shop`, 'go-on'],
      check: [`${SECRETS}/shop`, 'is-held'],
    },
  },
  // Longer than anything that a machine with much else to do takes.
  { of: 'mariadb', optionFile: `${SECRETS}/${optionFile}.cnf`, seconds: 60 },
];
const dumps = (optionFile: string) => [
  { of: 'mariadb', optionFile: `${SECRETS}/${optionFile}.cnf` },
  { of: 'postgresql', role: 'backup' },
  { of: 'command', name: 'shop', command: [`${SECRETS}/shop`, 'dump'] },
];

/** @param programs where `unpackDatabases` put the programs of the databases */
export async function startCanary(programs: string): Promise<CanaryUser> {
  await using started = new AsyncDisposableStack();
  const own = started.use(await temporaryFolder());
  const traces = join(own.path, 'traces');
  await mkdir(traces);
  const traced = tracedTo(join(traces, 'here'));
  // What others have in the folder of this machine for temporary files is not looked at.
  const temporary = join(own.path, 'temporary');
  await mkdir(temporary);
  const user = started.use(await installedUser({ under: traced, environment: { TMPDIR: temporary } }));
  const values = Object.fromEntries(Object.entries(SECRET).map(([key, { value }]) => [key, value])) as Record<
    keyof typeof SECRET,
    string
  >;
  const host = started.use(await startCanaryHost({ programs, folder: join(user.home, '.ssh'), traces }, values));
  const stores = started.use(await temporaryFolder());
  const login = { user: 'backup', password: values.rest };
  const rest = started.use(await startRclone(join(stores.path, 'rest'), { login }));
  const s3 = started.use(await startS3rver(join(stores.path, 's3')));

  const secrets = join(user.home, 'secrets');
  await mkdir(secrets, { mode: 0o700 });
  const fileOf = async (key: keyof typeof SECRET): Promise<string> => {
    await writeFile(join(secrets, key), `${values[key]}\n`, { mode: 0o600 });
    return join(secrets, key);
  };
  const local = async (key: 'main' | 'told' | 'asked'): Promise<{ location: string }> => {
    const location = join(user.home, `repository-${key}`);
    const made = await createRepository(createLocalBackend(location), values[key], AbortSignal.timeout(60_000), {
      keyCost: CHEAP_KEY,
    });
    await made.close();
    return { location };
  };
  const passwordFile = await fileOf('main');
  const main = { ...(await local('main')), passwordFile };
  const restAt = (path: string): string => `rest:${rest.url}${path}/`;
  const inAddress = `rest:${rest.url.replace('http://', `http://backup:${encodeURIComponent(values.rest)}@`)}inside/`;
  const source = (more: object) => ({
    ...{ host: 'db', paths: ['/var/lib/mysql', '/srv/files'], repository: 'main' },
    ...{ quiesce: quiesce('sql'), dumps: dumps('sql'), ...more },
  });
  const files = (repository: string) =>
    source({ repository, paths: ['/srv/files'], dumps: undefined, quiesce: quiesce('sql').slice(0, 2) });
  await user.configure({
    hosts: {
      db: { sshConfigFile: host.sshConfigFile, leaseSeconds: 60 },
      ann: { sshConfigFile: host.sshConfigFile, sudo: 'password' },
    },
    repositories: {
      main,
      told: { ...(await local('told')), passwordCommand: ['cat', await fileOf('told')] },
      asked: await local('asked'),
      refused: { ...main, passwordFile: await fileOf('refused') },
      rest: { location: restAt('one'), passwordFile, rest: { user: 'backup', passwordFile: await fileOf('rest') } },
      inside: { location: inAddress, passwordFile },
      shut: {
        location: restAt('one'),
        passwordFile,
        rest: { user: 'backup', passwordFile: await fileOf('wrongRest') },
      },
      s3: {
        location: `s3:http://127.0.0.1:${s3.port}/${BUCKET}/one`,
        passwordFile,
        s3: { accessKeyId: KEYS.accessKeyId, secretKeyFile: await fileOf('s3') },
      },
    },
    sources: {
      shop: source({}),
      // Quickly read, and held all the same.
      files: files('main'),
      told: files('told'),
      asked: source({ host: 'ann', repository: 'asked', dumps: undefined }),
      rest: files('rest'),
      inside: files('inside'),
      shut: files('shut'),
      s3: files('s3'),
      refused: files('refused'),
      'wrong-sql': source({ quiesce: quiesce('wrong'), dumps: undefined }),
      'wrong-dump': source({ quiesce: undefined, dumps: dumps('wrong') }),
      'wrong-redis': source({
        dumps: undefined,
        quiesce: [{ of: 'redis', socket: REDIS_SOCKET, passwordFileOnHost: `${SECRETS}/wrong-redis` }],
      }),
      dead: source({
        dumps: undefined,
        quiesce: [{ of: 'redis', socket: '/run/none', passwordFileOnHost: `${SECRETS}/redis` }],
      }),
    },
  });

  const order: LookOrder = {
    secrets: [...Object.values(SECRET), ...Object.values(DECOY)].map(({ name, core }) => ({ name, core })),
    folders: [user.home, temporary, stores.path, ...host.folders],
    planted: [secrets, user.configFile, ...host.planted],
  };
  await writeFile(join(own.path, 'order'), JSON.stringify(order), { mode: 0o600 });
  const looker = startLooker(join(own.path, 'order'));
  started.defer(() => void looker.kill('SIGKILL'));
  const heard = text(looker.stdout ?? process.stdin);

  const said: { from: string; text: string }[] = [];
  const owned = started.move();
  return {
    ...{ user, host, said, traced, secret: SECRET, decoy: DECOY },
    async whatWasSeen() {
      looker.kill('SIGTERM');
      const lines = (await heard).trim().split('\n');
      const rounds = JSON.parse(lines.pop() ?? '') as Rounds;
      const eyes = new Eyes(order.secrets);
      const seen = new Map<string, string[]>();
      const add = (secret: string, where: string): void => {
        seen.set(secret, [...(seen.get(secret) ?? []), where]);
      };
      for (const { secret, kind, place } of lines.map((line) => JSON.parse(line) as Sighting))
        add(secret, `${kind} ${place}`);
      for (const { from, text: words } of said) for (const secret of eyes.see(words)) add(secret, `said by ${from}`);
      for (const { file, text: trace } of await tracesIn(traces))
        for (const line of trace.split('\n'))
          for (const secret of eyes.see(line)) add(secret, `started ${file}: ${line.slice(0, 100)}`);
      return { seen, rounds };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function startLooker(order: string): ChildProcess {
  const program = join(import.meta.dirname, 'look-main.ts');
  return spawn(process.execPath, [program, order], { stdio: ['pipe', 'pipe', 'inherit'] });
}
