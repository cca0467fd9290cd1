/**
 * A session that OpenSSH's client carries: it connects, proves the host and logs in as the user's configuration says;
 * we open channels over its control socket.
 *
 * States: the client works (its control socket is not there yet) → ready (it listens, we are let in) → over. The
 * control socket appears after the login and not before, so there is nothing else to believe.
 */
import { access } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStillpointError, type StillpointError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Prompter } from '../../domain/prompter.ts';
import { CHANNEL_BUDGET_MS, CONFIG_BUDGET_MS, CONNECT_BUDGET_MS } from '../budgets.ts';
import type { Session } from '../session.ts';
import { silenceDeadline } from '../silence.ts';
import { knownKeysOf } from '../ssh/host-key.ts';
import { unknownKey } from '../ssh/host-key-errors.ts';
import { connectionLost, notReachedThrough } from '../ssh/ssh-errors.ts';
import type { RemoteProcess } from '../transport.ts';
import { type Askpass, openAskpass } from './askpass.ts';
import { type Client, type Hop, startClient } from './client.ts';
import { whyGone, whyNotForwarded } from './client-log.ts';
import { failureOf } from './failure.ts';
import { MuxLine } from './mux-line.ts';
import type { ChannelRequest } from './mux-wire.ts';
import { createPrivateFolder, type PrivateFolder } from './private-folder.ts';
import { Questions } from './questions.ts';

export interface ClientSessionPorts {
  readonly prompter: Prompter | undefined;
  readonly logger: Logger;
  readonly agentSocket: string | undefined;
  readonly homeFolder: string;
  readonly keepAlive?: { readonly intervalMs: number; readonly count: number };
}

/** How often we look whether the client is there yet. */
const LOOK_MS = 20;
/** The client has its own limit for the first steps (ConnectTimeout); ours is for those that it does not watch. */
const GRACE_MS = 3_000;
const LAST_WORDS_MS = 500;

export async function connectClient(
  way: readonly Hop[],
  ports: ClientSessionPorts,
  signal: AbortSignal,
): Promise<Session> {
  const { config } = lastOf(way);
  const mayAsk = ports.prompter !== undefined && !config.batchMode;
  await using stack = new AsyncDisposableStack();
  const folder: PrivateFolder = stack.use(await createPrivateFolder(ports.homeFolder, mayAsk));
  const running: { client?: Client } = {};
  const questions = new Questions({
    prompter: ports.prompter,
    way,
    host: config.alias,
    log: async (hop) => (await running.client?.log(hop)) ?? '',
    notice: (text) => ports.logger.log('info', text, { host: config.alias }),
  });
  let askpass: Askpass | undefined;
  if (mayAsk) {
    askpass = stack.use(
      await openAskpass(folder.path, (asked, gone) => questions.answer(asked, AbortSignal.any([signal, gone]))),
    );
  }
  const settings = { mayAsk, keepAlive: ports.keepAlive };
  const client = await startClient({ way, folder: folder.path, settings, askpass, agentSocket: ports.agentSocket });
  running.client = client;
  stack.defer(() => client.end());
  await untilListening(client, way, questions, mayAsk, signal);
  const session = new ClientSession(config.alias, client, way.length - 1);
  stack.defer(() => session.close());
  await session.open(signal);
  questions.settle('proved');
  session.owns(stack.move());
  return session;
}

/** Waits for the control socket, or throws why it does not come. */
async function untilListening(
  client: Client,
  way: readonly Hop[],
  questions: Questions,
  mayAsk: boolean,
  signal: AbortSignal,
): Promise<void> {
  const budgetMs = lastOf(way).config.connectTimeoutMs ?? CONNECT_BUDGET_MS;
  let hasStopped = false;
  void questions.stopped.then(() => (hasStopped = true));
  let size = 0;
  let heardAtMs = performance.now();
  for (;;) {
    signal.throwIfAborted();
    if (await isThere(client.controlPath)) return;
    if (client.hasEnded || hasStopped) break;
    const now = await client.logSize();
    if (now !== size || questions.isAsking) heardAtMs = performance.now();
    size = now;
    // Until the client begins to write it reads the configuration, in which commands may run.
    const limitMs = size === 0 ? CONFIG_BUDGET_MS : budgetMs + GRACE_MS;
    if (performance.now() - heardAtMs > limitMs) break;
    // It has not failed, it has not come yet: so no retry, and no wait that grows while a person looks on.
    await sleep(LOOK_MS);
  }
  await client.end();
  questions.settle('refused');
  throw await failure(client, way, questions, mayAsk, budgetMs);
}

/** The first host of the way that failed tells why; those behind it only saw their connection close. */
async function failure(
  client: Client,
  way: readonly Hop[],
  questions: Questions,
  mayAsk: boolean,
  budgetMs: number,
): Promise<StillpointError> {
  const { refusedKey } = questions;
  if (refusedKey !== undefined) return unknownKey(refusedKey, refusedKey.otherKeys);
  for (const [hop, { config }] of way.entries()) {
    const log = await client.log(hop);
    const next = way[hop + 1];
    if (next !== undefined && /^Authenticated to /m.test(log)) {
      const why = whyNotForwarded(log);
      if (why !== undefined) return notReachedThrough(config, next.config, why);
      continue;
    }
    const { otherKeys, fingerprintAt, revokedAt } = await knownKeysOf(config);
    return failureOf({
      config,
      log,
      stderr: client.stderr(),
      budgetMs,
      declined: questions.declined,
      mayAsk,
      otherKeys,
      fingerprintAt,
      revokedAt,
    });
  }
  throw new Error('a way has a last host');
}

class ClientSession implements Session {
  readonly #host: string;
  readonly #client: Client;
  #line: MuxLine | undefined;
  #stack: AsyncDisposableStack | undefined;
  #isReady = true;
  #why = 'the other side closed it';
  readonly #hop: number;

  constructor(host: string, client: Client, hop: number) {
    this.#host = host;
    this.#hop = hop;
    this.#client = client;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  async open(signal: AbortSignal): Promise<void> {
    this.#line = await MuxLine.connect(this.#client.controlPath, () => this.#whyLost(), signal);
    void this.#client.ended.then(() => this.#line?.close());
  }

  /** Takes over what was made on the way here. */
  owns(stack: AsyncDisposableStack): void {
    this.#stack = stack;
  }

  exec(commandLine: string, onClose: () => void, signal: AbortSignal): Promise<RemoteProcess | undefined> {
    return this.#channel({ kind: 'exec', value: commandLine }, onClose, signal);
  }

  subsystem(name: string, onClose: () => void, signal: AbortSignal): Promise<RemoteProcess | undefined> {
    return this.#channel({ kind: 'subsystem', value: name }, onClose, signal);
  }

  close(): void {
    this.#isReady = false;
    this.#line?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#stack?.disposeAsync();
  }

  async #channel(
    request: ChannelRequest,
    onClose: () => void,
    signal: AbortSignal,
  ): Promise<RemoteProcess | undefined> {
    const line = this.#line;
    if (line === undefined || !this.#isReady) throw this.#lost();
    using limit = silenceDeadline(
      signal,
      CHANNEL_BUDGET_MS,
      () => line.heardAtMs,
      () => {
        this.#why = `it did not answer for ${CHANNEL_BUDGET_MS / 1000} s`;
        this.close();
        return this.#lost();
      },
    );
    try {
      return await line.open(request, onClose, limit.signal);
    } catch (error) {
      throw isStillpointError(error) || signal.aborted ? error : this.#lost();
    }
  }

  /** The client goes away a moment after its socket, and writes why before. */
  async #whyLost(): Promise<StillpointError> {
    const isOurs = !this.#isReady;
    this.#isReady = false;
    if (!isOurs) {
      await Promise.race([this.#client.ended, sleep(LAST_WORDS_MS)]);
      this.#why = whyGone(await this.#client.log(this.#hop)) ?? this.#why;
    }
    return this.#lost();
  }

  #lost(): StillpointError {
    return connectionLost(this.#host, this.#why, this.#line?.error);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

function lastOf(way: readonly Hop[]): Hop {
  const last = way.at(-1);
  if (last === undefined) throw new Error('a way has a last host');
  return last;
}
