import type { Wording } from '../../../extension/texts/wording.ts';

/** The editor's `l10n.t` as far as texts need it: English, with `{0}` filled in. */
export const english: Wording = {
  t: (message, ...values) => message.replaceAll(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)])),
  locale: 'en-GB',
  timeZone: 'UTC',
};
