/** The words about a host key that is not known. Another key that is known already makes it a different question. */
import type { HostKeyOffer } from '../../shared/domain/prompter.ts';
import type { Translate } from './wording.ts';

export function describeHostKey(
  { host, address, keyType, fingerprint, otherKeys }: HostKeyOffer,
  t: Translate,
): { readonly message: string; readonly detail: string } {
  const compare = t(
    'Compare it with what the host itself says, for instance with "ssh-keygen -lf" on its console. If you trust it, it is written to known_hosts; if you do not, no connection is made.',
  );
  const shown = `${address}\n${keyType} ${fingerprint}`;
  if (otherKeys.length === 0) {
    return {
      message: t('The host "{0}" is not known yet. Do you trust its key?', host),
      detail: `${shown}\n\n${compare}`,
    };
  }
  const known = t('Known for this host so far:');
  const warning = t(
    'A host normally keeps its keys. A new one beside them can mean that someone is intercepting the connection.',
  );
  return {
    message: t('The host "{0}" is known by another key, and shows a new one. Do you trust the new key?', host),
    detail: [shown, '', known, ...otherKeys, '', warning, compare].join('\n'),
  };
}
