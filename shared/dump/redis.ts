/**
 * Redis and Valkey: what the server sends to a replica that begins, which is its file of one moment. The server forks for it, as
 * for each of its own savings.
 */
import type { RedisDump } from '../domain/dump.ts';
import { typedWord } from '../remote/quoting.ts';
import { type DumpEnd, type Dumper, Refusal } from './dump.ts';

const CLIENTS = 'redis-cli valkey-cli';

const LOOK = `
client=$(sp_first ${CLIENTS}) || sp_lacks redis-cli
ask() ( sp_as - timeout 20 "$client" \${socket:+-s "$socket"} \${port:+-p "$port"} "$@" )
socket=$1 port=$2
pong=$(ask PING 2>&1) || { echo "$pong" >&2; exit 1; }
[ "$pong" = PONG ] || { echo "$pong" >&2; exit 1; }
diskless=$(ask CONFIG GET repl-diskless-sync 2>/dev/null | sed -n 2p)
printf '%s\\0%s\\0' "$client" "$diskless"`;

const DUMP = `
limit=$1 client=$2 socket=$3 port=$4
sp_dump "$limit" - "$client" \${socket:+-s "$socket"} \${port:+-p "$port"} --rdb -`;

const MARK_BYTES = 40;
const SUM_BYTES = 8;
const LAST_RECORD = 0xff;

/**
 * The last record and a checksum. A server that sends without a file of its own ends with a mark of 40 hexadecimal digits, which
 * its client passes on when it writes to standard output.
 */
const END: DumpEnd = {
  bytes: MARK_BYTES + SUM_BYTES + 1,
  surplus(end) {
    const hasMark = /^[0-9a-f]{40}$/.test(end.toString('latin1', Math.max(0, end.length - MARK_BYTES)));
    const surplus = hasMark ? MARK_BYTES : 0;
    return end.at(-(surplus + SUM_BYTES + 1)) === LAST_RECORD ? surplus : undefined;
  },
  looks: 'the last record of an RDB file and its checksum',
};

export const redis: Dumper<RedisDump> = {
  label: ({ socket, port }) => `Redis at ${socket ?? `port ${port ?? 6379}`}`,
  leastRights:
    'A server that asks for a password is dumped by a command: a script on the host that only root can read, which gives "redis-cli" its password. The rights that it takes are +ping +psync +replconf +sync.',
  down: {
    words: /Could not connect|Connection refused/,
    advice:
      'Start the server, or correct "socket" or "port" of the dump: "ss -lxt" on the host lists the sockets of the programs that run.',
  },
  look: ({ socket = '', port }) => ({ script: LOOK, args: [socket, port === undefined ? '' : String(port)] }),
  plan(wish, fields) {
    const [client = '', diskless = ''] = fields;
    if (fields.length !== 2) throw new Error('it has another number of fields');
    if (!CLIENTS.split(' ').includes(client)) throw new Refusal('its client has another name', this.leastRights);
    const { socket = '', port, name = 'redis' } = wish;
    const login = [...(socket === '' ? [] : ['-s', socket]), ...(port === undefined ? [] : ['-p', String(port)])];
    const what = this.label(wish);
    const dump = {
      ...{ name: `${name}/dump.rdb`, what: `all data of ${what}`, consistency: 'application' as const },
      line: [client, ...login, '--rdb', '-'].map((word) => typedWord(word) ?? '?').join(' '),
      ...{ script: DUMP, args: [client, socket, port === undefined ? '' : String(port)], end: END },
    };
    const notes =
      diskless === 'yes'
        ? []
        : [
            `${what} saves to its own disk before it sends; with "repl-diskless-sync yes" in its configuration it does not.`,
          ];
    return { dumps: [dump], notes };
  },
};
