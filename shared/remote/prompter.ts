/**
 * The port to a person. The shells implement it; where there is nobody to ask, there is no prompter and every question
 * becomes an error that says how to settle it beforehand.
 */
export interface Prompter {
  /** Resolves to undefined when the person declines. Answers to questions without echo are secrets. */
  ask(question: Question, signal: AbortSignal): Promise<string | undefined>;
  /** Shows an unknown host key. True only when the person said so. */
  confirmHostKey(question: HostKeyQuestion, signal: AbortSignal): Promise<boolean>;
  /** What became of the answer that was last given to this question; not called where nobody can know. */
  settle(question: QuestionIdentity, outcome: 'proved' | 'refused'): void;
}

/** What tells a question from every other one, and stays the same whatever words it is asked in. */
export interface QuestionIdentity {
  readonly kind: 'passphrase' | 'password' | 'keyboard-interactive' | 'sudo-password';
  readonly host: string;
  /** What the answer opens: `user@host:port`, a key file, an account. */
  readonly key: string;
}

export interface Question extends QuestionIdentity {
  /** One line for the person, such as: Passphrase for key "/home/a/.ssh/id_ed25519" */
  readonly text: string;
  readonly echo: boolean;
}

export interface HostKeyQuestion {
  readonly host: string;
  /** As it will appear in known_hosts: `name` or `[name]:port`. */
  readonly address: string;
  /** "ssh-ed25519" and so on. */
  readonly keyType: string;
  /** "SHA256:…" as OpenSSH prints it. */
  readonly fingerprint: string;
  /** Keys of other types that are known for this host, as "type SHA256:…"; worth a second look when there are any. */
  readonly otherKeys: readonly string[];
}
