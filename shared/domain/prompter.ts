/** A person's side of a conversation. A shell without a person leaves it out, and every question becomes an error. */

export interface Prompter {
  /** Returns undefined when the person declines. Never logged. */
  ask(question: Question, signal: AbortSignal): Promise<string | undefined>;
  confirmHostKey(offer: HostKeyOffer, signal: AbortSignal): Promise<boolean>;
  /**
   * What became of the answer that was last given to this question. Until it was proved it must not be kept for another
   * time, and what was refused is forgotten. A question that the work ended before it settled is never reported.
   */
  settle(question: QuestionIdentity, outcome: 'proved' | 'refused'): void;
}

/** What tells a question from every other one, and stays the same whatever words it is asked in. */
export interface QuestionIdentity {
  readonly kind:
    | 'key-passphrase'
    | 'ssh-password'
    | 'keyboard-interactive'
    | 'sudo-password'
    | 'repository-password'
    | 'store-secret'
    /** A password that is being chosen: it is typed twice and not remembered. */
    | 'new-repository-password';
  /** What it is for: the host or the repository. */
  readonly subject: string;
  /** What the answer opens: `user@host:port`, a key file, an account, a location. */
  readonly key: string;
}

export interface Question extends QuestionIdentity {
  /** One line for the person. */
  readonly text: string;
  readonly echo: boolean;
}

export interface HostKeyOffer {
  readonly host: string;
  /** As it will appear in known_hosts: `name` or `[name]:port`. */
  readonly address: string;
  readonly keyType: string;
  /** "SHA256:…", as ssh-keygen -l prints it. */
  readonly fingerprint: string;
  /** Keys of other types that are known for this host, as "type SHA256:…"; worth a second look when there are any. */
  readonly otherKeys: readonly string[];
}
