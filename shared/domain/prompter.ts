/** A person's side of a conversation. A shell without a person leaves it out, and every question becomes an error. */

export interface Prompter {
  /** Returns undefined when the person declines. Never logged. */
  ask(question: Question, signal: AbortSignal): Promise<string | undefined>;
  confirmHostKey(offer: HostKeyOffer, signal: AbortSignal): Promise<boolean>;
}

export interface Question {
  readonly kind:
    | 'key-passphrase'
    | 'ssh-password'
    | 'keyboard-interactive'
    | 'sudo-password'
    | 'repository-password'
    | 'store-secret'
    /** One that is being chosen: whoever asks it has it typed twice, and does not remember it. */
    | 'new-repository-password';
  /** What it is for: the host or the repository. */
  readonly subject: string;
  /** One line for the person; with `kind` and `subject` it tells one question from another. */
  readonly text: string;
  readonly echo: boolean;
}

export interface HostKeyOffer {
  readonly host: string;
  /** As it will stand in known_hosts: `name` or `[name]:port`. */
  readonly address: string;
  readonly keyType: string;
  /** "SHA256:…", as ssh-keygen -l prints it. */
  readonly fingerprint: string;
  /** Keys of other types that are known for this host, as "type SHA256:…"; worth a second look when there are any. */
  readonly otherKeys: readonly string[];
}
