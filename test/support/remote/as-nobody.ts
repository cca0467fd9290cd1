/** What would be run by root is run by user 65534. */
import type { Transport } from '../../../shared/remote/transport.ts';

export function asNobody(transport: Transport): Transport {
  return {
    properties: transport.properties,
    start: (commandLine, signal) =>
      transport.start(`setpriv --reuid=65534 --regid=65534 --clear-groups /bin/sh -c '${commandLine}'`, signal),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}
