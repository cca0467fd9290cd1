/**
 * What OpenSSH's client wrote into its log (`-E`, LogLevel DEBUG1), read for what a person has to know. Nothing is
 * decided by it but words and error codes: whether we are connected is known from the control socket. Pure.
 */
export interface ClientLog {
  /** The key that the server showed last. */
  readonly hostKey: { readonly type: string; readonly fingerprint: string } | undefined;
  /** Each way of logging in that was tried, with what became of it. */
  readonly tried: readonly string[];
  /** Keys that could not be offered or used, each with its reason. */
  readonly unusable: readonly string[];
  /** What came from the other side before, or instead of, the greeting of an SSH server. */
  readonly greeting: readonly string[];
  /** The login had begun: the host was proved and took the request for it. */
  readonly loginBegan: boolean;
  /** The key that the server accepted last. */
  readonly acceptedKey: string | undefined;
  /** The methods that the server said it takes. */
  readonly takes: readonly string[];
  /** The lines that are not for debugging: complaints, in order. */
  readonly complaints: readonly string[];
}

const NOISE =
  /^(?:Authenticated to |Warning: Permanently added |\*\* |@{5,}|It is (?:also )?possible|Someone could|IT IS POSSIBLE)/;

export function readClientLog(text: string): ClientLog {
  const tried: string[] = [];
  const unusable: string[] = [];
  const complaints: string[] = [];
  let hostKey: ClientLog['hostKey'];
  let takes: readonly string[] = [];
  const greeting: string[] = [];
  let loginBegan = false;
  let acceptedKey: string | undefined;
  let pending: string | undefined;
  const settle = (outcome: string): void => {
    if (pending !== undefined) tried.push(`${pending}: ${outcome}`);
    pending = undefined;
  };
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const debug = /^debug\d: (.*)$/.exec(line)?.[1];
    if (debug === undefined) {
      const useless = USELESS_KEY.exec(line);
      if (useless !== null) {
        const [, unloadable, missing, unsigned, why = ''] = useless;
        const file = unloadable ?? missing ?? unsigned ?? '';
        unusable.push(`key file "${file}": ${missing === undefined ? `cannot be used (${why})` : 'is not there'}`);
        pending = undefined;
      } else if (line !== '' && !NOISE.test(line)) {
        complaints.push(line);
      }
      continue;
    }
    const key = /^Server host key: (\S+) (\S+)$/.exec(debug);
    if (key !== null) hostKey = { type: key[1] ?? '', fingerprint: key[2] ?? '' };
    const greeted = /^kex_exchange_identification: banner line \d+: (.*)$/.exec(debug)?.[1];
    if (greeted !== undefined) greeting.push(greeted);
    if (debug === 'SSH2_MSG_SERVICE_ACCEPT received') loginBegan = true;
    const accepted = /^Server accepts key: (.*)$/.exec(debug)?.[1];
    if (accepted !== undefined) acceptedKey = describeKey(accepted);
    const offered = /^(?:Offering public key|Trying private key): (.*)$/.exec(debug)?.[1];
    const method = /^Next authentication method: (.*)$/.exec(debug)?.[1];
    const methods = /^Authentications that can continue: (.*)$/.exec(debug)?.[1];
    if (offered !== undefined || method !== undefined || methods !== undefined) settle('refused');
    if (offered !== undefined) pending = describeKey(offered);
    if (method !== undefined && method !== 'publickey') pending = method;
    if (methods !== undefined) takes = methods.split(',');
    if (/^(?:Authenticated using|Authentication succeeded|Partial success)/.test(debug)) settle('accepted');
  }
  // A method that asks and has no answer of the server behind it came to no end: nothing was sent, so nothing was refused.
  if (pending !== undefined && / (?:key )?"/.test(pending)) settle('refused');
  return { hostKey, greeting, loginBegan, acceptedKey, tried, unusable, takes, complaints };
}

/** A key that could not be loaded, is not there, or whose holder would not sign. */
const USELESS_KEY =
  /^(?:Load key "(.*)"|no such identity: (.*)|sign_and_send_pubkey: signing failed for \S+ "(.*)"(?: from agent)?): (.*)$/;

/** `NAME TYPE SHA256:… [explicit] [agent]`, where the name may have blanks. */
function describeKey(words: string): string {
  const parts = /^(.*?) (?:\S+ )?(SHA256:\S+)((?: \S+)*)$/.exec(words);
  if (parts === null) return `key file "${words}"`;
  const [, name = '', fingerprint = '', marks = ''] = parts;
  return / agent\b/.test(marks) ? `agent key "${name}" (${fingerprint})` : `key file "${name}" (${fingerprint})`;
}

/** Why a client that had connected is gone: its last complaint. */
export function whyGone(text: string): string | undefined {
  const { complaints } = readClientLog(text);
  const last =
    complaints.findLast((line) => /not responding|closed|reset|Broken pipe|disconnect|timed out/i.test(line)) ??
    complaints.at(-1);
  // The name of a function of the client is of no use to anybody here.
  return last?.replace(/^client_loop: (?:send disconnect: )?/, '');
}

/** Why a host on the way, which let us in, does not lead to the next one. */
export function whyNotForwarded(text: string): string | undefined {
  if (!/stdio forwarding failed/.test(text)) return undefined;
  return /^channel \d+: open failed: (.*)$/m.exec(text)?.[1]?.trim() ?? 'OpenSSH does not say why';
}
