/**
 * What OpenSSH's client asks, distinguished by the exact words of its source (readpass.c, sshconnect.c, sshconnect2.c,
 * ssh-pkcs11.c). What is not understood wholly is `other`, and nothing is answered to it without a person. Pure.
 */
export type Prompt =
  | {
      readonly kind: 'host-key';
      /** As OpenSSH shows it: "SHA256:…". */
      readonly fingerprint: string;
      /** "ED25519" and so on. */
      readonly keyType: string;
      readonly othersKnown: boolean;
    }
  | { readonly kind: 'passphrase'; readonly file: string }
  /** A token or a security key. */
  | { readonly kind: 'pin'; readonly device: string }
  /** `account` is `user@host` as the server is called. */
  | { readonly kind: 'password'; readonly account: string }
  | { readonly kind: 'question'; readonly account: string; readonly text: string }
  /** The server wants a new password in place of an expired one. */
  | { readonly kind: 'password-change'; readonly account: string }
  /** Yes-or-no questions about things that a backup has no part in: keys for an agent, further keys of the host. */
  | { readonly kind: 'side-question' }
  /** Not a question: a security key waits to be touched. */
  | { readonly kind: 'touch'; readonly text: string }
  | { readonly kind: 'other'; readonly text: string };

const HOST_KEY =
  /^The authenticity of host '[^']*' can't be established(?:\.|,\nbut keys of different type are already known for this host\.)\n(\S+) key fingerprint is (SHA256:[A-Za-z0-9+/]{43})\.\n(?:[^]*\n)?Are you sure you want to continue connecting \(yes\/no\/\[fingerprint\]\)\? $/;

/** `hint` is SSH_ASKPASS_PROMPT, by which the client tells questions from notices. */
export function parsePrompt(text: string, hint: string | undefined): Prompt {
  if (hint === 'none') return { kind: 'touch', text };
  if (hint === 'confirm') return { kind: 'side-question' };
  const hostKey = HOST_KEY.exec(text);
  if (hostKey !== null) {
    const [, keyType = '', fingerprint = ''] = hostKey;
    return { kind: 'host-key', keyType, fingerprint, othersKnown: /but keys of different type/.test(text) };
  }
  const file = /^Enter passphrase for key '([^]+)': $/.exec(text)?.[1];
  if (file !== undefined) return { kind: 'passphrase', file };
  const token = /^Enter PIN for '([^]+)': $/.exec(text)?.[1];
  if (token !== undefined) return { kind: 'pin', device: token };
  const securityKey = /^Enter PIN(?: and confirm user presence)? for (\S+ key [^]+): $/.exec(text)?.[1];
  if (securityKey !== undefined) return { kind: 'pin', device: securityKey };
  if (/^Accept updated hostkeys\? \(yes\/no\): $/.test(text)) return { kind: 'side-question' };
  // A prompt of the server comes with the account in front, so that it cannot pretend to be one of ours.
  const question = /^\(([^\s()]+@[^\s()]+)\) ([^]*)$/.exec(text);
  if (question !== null) {
    const [, account = '', words = ''] = question;
    return { kind: 'question', account, text: words };
  }
  const change = /^(?:Enter|Retype) (\S+@\S+)'s (?:old|new) password: $/.exec(text)?.[1];
  if (change !== undefined) return { kind: 'password-change', account: change };
  const account = /^(\S+@\S+)'s password: $/.exec(text)?.[1];
  if (account !== undefined) return { kind: 'password', account };
  return { kind: 'other', text };
}
