/** Which hosts an assistant may log in to. */
import { StillpointError } from '../shared/base/errors.ts';
import type { HostName } from '../shared/domain/names.ts';
import type { Stillpoint } from '../shared/stillpoint.ts';

/** A name of the SSH configuration is enough for a person to log in, and too much for an assistant. */
export async function requireAllowed(stillpoint: Stillpoint, name: HostName, signal: AbortSignal): Promise<void> {
  const found = (await stillpoint.listHosts(signal)).find((host) => host.name === name);
  if (found?.forAssistants === true) return;
  throw new StillpointError('config.unknown-host', `"${name}" is not a host that assistants may log in to.`, {
    advice: `${found === undefined ? '"list_hosts" names those that they may' : 'It is only in the SSH configuration'}. A person can write it under "hosts" in ${stillpoint.configFile}, or allow all of them with "assistants": {"sshHosts": true}.`,
    details: { host: name },
    cause: undefined,
  });
}
