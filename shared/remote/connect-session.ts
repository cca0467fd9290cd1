/**
 * From the name of a host to a session: OpenSSH's own client carries us, so that the user's configuration means what it
 * means; ssh2 does where that client cannot (docs/decisions/0020-openssh-carries-us.md).
 */
import { platform } from 'node:process';
import { execa } from 'execa';
import { type ClientSessionPorts, connectClient } from './openssh/client-session.ts';
import { resolveWay } from './openssh/way.ts';
import type { Session } from './session.ts';
import type { ConfigQuestion } from './ssh/openssh-config.ts';

/** Who carries the bytes. */
export type Carrier = 'openssh' | 'ssh2';

export interface ConnectPorts extends ClientSessionPorts {
  /** Instead of the better one of this machine; for tests. */
  readonly carrier?: Carrier;
}

/** Errors: `ssh.…`, the signal's reason. */
export async function connectSession(
  question: ConfigQuestion,
  ports: ConnectPorts,
  signal: AbortSignal,
): Promise<Session> {
  const { carrier } = ports;
  // Side by side, since each starts a program.
  const way = carrier === 'ssh2' ? undefined : resolveWay(question, signal);
  way?.catch(() => undefined);
  if (way === undefined || (carrier ?? (await bestCarrier())) === 'ssh2') {
    // Most never need it, and it is as large as all of this room.
    const { connectSsh2 } = await import('./ssh/connect-ssh2.ts');
    return await connectSsh2(question, ports, signal);
  }
  return await connectClient(await way, ports, signal);
}

let best: Promise<Carrier> | undefined;

/** Asked once in the life of a process. */
function bestCarrier(): Promise<Carrier> {
  best ??= findCarrier();
  return best;
}

/** The control socket speaks "proxy mode" since 7.4, and not on Windows. */
async function findCarrier(): Promise<Carrier> {
  if (platform === 'win32') return 'ssh2';
  const { stderr, stdout } = await execa('ssh', ['-V'], { reject: false, stdin: 'ignore', timeout: 10_000 });
  const [, major, minor] = /^OpenSSH_(\d+)\.(\d+)/m.exec(`${stderr}\n${stdout}`) ?? [];
  if (major === undefined || minor === undefined) return 'ssh2';
  return Number(major) > 7 || (Number(major) === 7 && Number(minor) >= 4) ? 'openssh' : 'ssh2';
}
