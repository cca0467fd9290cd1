/** The setting that names the configuration, as people write it. */
import { StillpointError } from '../shared/base/errors.ts';
import type { Translate } from './texts/wording.ts';

export const CONFIG_FILE_SETTING = 'stillpoint.configFile';

/**
 * The file that a value of the setting names; undefined where it is empty. A relative path would be meant from a folder
 * that nobody knows, and a new configuration be written there. Errors: `config.not-found`.
 */
export function configFileIn(value: unknown, t: Translate): string | undefined {
  if (value === undefined) return undefined;
  const file = typeof value === 'string' ? value.trim() : undefined;
  if (file === '') return undefined;
  if (file !== undefined && isWhole(file)) return file;
  const shown = JSON.stringify(file ?? value);
  throw new StillpointError(
    'config.not-found',
    t('The setting "{0}" is {1}, which is not the whole path of a file.', CONFIG_FILE_SETTING, shown),
    {
      advice: t(
        'Write it as in "/home/ann/stillpoint.jsonc" or "~/stillpoint.jsonc", or leave it empty; variables and addresses are not understood.',
      ),
      details: { setting: CONFIG_FILE_SETTING },
      cause: undefined,
    },
  );
}

/** On Windows a path begins with a drive or a share. */
function isWhole(file: string): boolean {
  return /^(?:\/|~\/|[A-Za-z]:[\\/]|\\\\)/.test(file);
}
