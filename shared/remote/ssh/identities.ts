/**
 * The keys to offer to a host, in OpenSSH's order: identity files that the agent holds, the agent's other keys (unless
 * IdentitiesOnly), then identity files that only exist as files. Each is an agent of one key for ssh2, so that every
 * attempt has a name and an outcome, and a passphrase is asked for when a signature is wanted and not before.
 */
import type { IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from 'ssh2';
import { registerSecret } from '../../base/log.ts';
import type { Prompter } from '../../domain/prompter.ts';
import { fingerprintOf } from './known-hosts.ts';
import type { SshConfig } from './openssh-config.ts';
import { openKey, publicFile, readKeyFile } from './private-key.ts';
import { BaseAgent, OpenSSHAgent } from './ssh2.ts';

export interface Identity {
  /** For messages: what it is and its fingerprint. */
  readonly label: string;
  readonly agent: OneKey;
}

/** `hasSigned` says that the host wanted this key: the agent is asked to sign only then. */
export type OneKey = InstanceType<typeof BaseAgent> & { readonly hasSigned: boolean };

export interface Identities {
  readonly offered: readonly Identity[];
  /** What could not be offered, and why, for the message when nothing else worked. */
  readonly skipped: readonly string[];
}

export interface IdentityPorts {
  readonly config: SshConfig;
  readonly prompter: Prompter | undefined;
  /** The value of SSH_AUTH_SOCK. */
  readonly agentSocket: string | undefined;
  readonly signal: AbortSignal;
  /** Brackets the time in which a person is asked. */
  whileAsking<T>(task: () => Promise<T>): Promise<T>;
}

export async function findIdentities(ports: IdentityPorts): Promise<Identities> {
  const skipped: string[] = [];
  const held = await agentKeys(ports, skipped);
  const fromFiles: Identity[] = [];
  const first: Identity[] = [];
  for (const path of ports.config.identityFiles) {
    const file = await readKeyFile(path);
    const publicKey = file.kind === 'usable' || file.kind === 'public' ? file.publicKey : await publicFile(path);
    if (publicKey !== undefined && !isAccepted(ports.config, publicKey)) {
      skipped.push(`key file "${path}": PubkeyAcceptedAlgorithms leaves out ${publicKey.type}`);
      takeKey(held, publicKey);
      continue;
    }
    const inAgent = publicKey === undefined ? undefined : takeKey(held, publicKey);
    if (inAgent !== undefined) {
      first.push(inAgent.identity);
    } else if (file.kind === 'usable') {
      if (file.encrypted && (ports.prompter === undefined || ports.config.batchMode)) {
        skipped.push(`key file "${path}": needs its passphrase, and there was no one to ask`);
      } else {
        const label = `key file "${path}" (${fingerprintOf(file.publicKey.getPublicSSH())})`;
        fromFiles.push({ label, agent: new FileKey(ports, path, file) });
      }
    } else if (file.kind === 'public') {
      skipped.push(`key file "${path}": is the public half, and the agent does not hold the private one`);
    } else if (file.kind === 'unusable') {
      skipped.push(`key file "${path}": ${file.why}`);
    } else {
      skipped.push(`key file "${path}": is not there`);
    }
  }
  const accepted = held.filter(({ key }) => isAccepted(ports.config, key));
  const others = ports.config.identitiesOnly ? [] : accepted.map((one) => one.identity);
  return { offered: [...first, ...others, ...fromFiles], skipped };
}

/** An RSA key signs by other names than its own. */
function isAccepted({ keywords }: SshConfig, { type }: ParsedKey): boolean {
  const list = keywords.get('pubkeyacceptedalgorithms')?.[0]?.split(',');
  if (list === undefined) return true;
  return type === 'ssh-rsa' ? list.some((name) => name.startsWith('rsa-sha2-')) : list.includes(type);
}

/** Types say that agents may give keys in other shapes; the one of ssh2 gives these. */
function isParsed(key: unknown): key is ParsedKey {
  return typeof key === 'object' && key !== null && 'getPublicSSH' in key;
}

interface HeldKey {
  readonly key: ParsedKey;
  readonly identity: Identity;
}

async function agentKeys(ports: IdentityPorts, skipped: string[]): Promise<HeldKey[]> {
  const { identityAgent } = ports.config;
  const socket = identityAgent.kind === 'socket' ? identityAgent.path : ports.agentSocket;
  if (identityAgent.kind === 'none' || socket === undefined || socket === '') return [];
  const agent = new OpenSSHAgent(socket);
  try {
    const keys = await new Promise<ParsedKey[]>((resolve, reject) => {
      agent.getIdentities((error, found) => (error ? reject(error) : resolve((found ?? []).filter(isParsed))));
    });
    return keys.map((key) => ({
      key,
      identity: {
        label: `agent key "${key.comment}" (${fingerprintOf(key.getPublicSSH())})`,
        agent: new AgentKey(agent, key),
      },
    }));
  } catch (error) {
    skipped.push(`agent at "${socket}": ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

function takeKey(held: HeldKey[], publicKey: ParsedKey): HeldKey | undefined {
  const wanted = publicKey.getPublicSSH();
  const at = held.findIndex((one) => one.key.getPublicSSH().equals(wanted));
  return at < 0 ? undefined : held.splice(at, 1)[0];
}

class AgentKey extends BaseAgent<ParsedKey> {
  hasSigned = false;
  readonly #agent: InstanceType<typeof OpenSSHAgent>;
  readonly #key: ParsedKey;

  constructor(agent: InstanceType<typeof OpenSSHAgent>, key: ParsedKey) {
    super();
    this.#agent = agent;
    this.#key = key;
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(undefined, [this.#key]);
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    this.hasSigned = true;
    if (typeof options === 'function') this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options, done);
  }
}

class FileKey extends BaseAgent<ParsedKey> {
  hasSigned = false;
  readonly #ports: IdentityPorts;
  readonly #path: string;
  readonly #file: { readonly publicKey: ParsedKey; readonly encrypted: boolean; readonly text: Buffer };

  constructor(ports: IdentityPorts, path: string, file: { publicKey: ParsedKey; encrypted: boolean; text: Buffer }) {
    super();
    this.#ports = ports;
    this.#path = path;
    this.#file = file;
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(undefined, [this.#file.publicKey]);
  }

  override sign(
    _key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    const callback = typeof options === 'function' ? options : done;
    const hash = typeof options === 'function' ? undefined : options.hash;
    if (callback !== undefined) void this.#answer(data, hash, callback);
  }

  async #answer(data: Buffer, hash: string | undefined, callback: SignCallback): Promise<void> {
    let signature: Buffer | Error;
    try {
      const key = await this.#open();
      signature = key.sign(data, hash);
    } catch (error) {
      signature = error instanceof Error ? error : new Error(String(error));
    }
    this.hasSigned = !(signature instanceof Error);
    // ssh2 returns an error instead of throwing it.
    if (signature instanceof Error) callback(signature);
    else callback(undefined, signature);
  }

  async #open(): Promise<ParsedKey> {
    const { config, prompter, signal } = this.#ports;
    if (!this.#file.encrypted) return this.#file.publicKey;
    if (prompter === undefined) throw new Error('there was no one to ask for its passphrase');
    for (let attempt = 1; attempt <= config.passwordPrompts; attempt += 1) {
      const again = attempt === 1 ? '' : ' (the last one was wrong)';
      const text = `Passphrase for key "${this.#path}"${again}`;
      const question = { kind: 'key-passphrase', subject: config.alias, key: this.#path } as const;
      const answer = await this.#ports.whileAsking(() => prompter.ask({ ...question, text, echo: false }, signal));
      if (answer === undefined) break;
      registerSecret(answer);
      const key = openKey(this.#file.text, answer);
      prompter.settle(question, key === undefined ? 'refused' : 'proved');
      if (key !== undefined) return key;
    }
    throw new Error('its passphrase was not given');
  }
}
