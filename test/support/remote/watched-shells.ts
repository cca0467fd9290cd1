/** The shells of this machine, with what is said to each of them: what a run costs on a line that is long. */
import { createLocalTransport } from '../../../shared/remote/local.ts';
import type { RemoteProcess, Transport } from '../../../shared/remote/transport.ts';
import { Hearing } from './spoken-script.ts';
import { tapProcess } from './tapped-process.ts';

export interface WatchedShells extends Transport {
  /** For each shell "greeting" and the names of scripts, in their order. */
  readonly said: readonly (readonly string[])[];
  readonly processes: readonly RemoteProcess[];
}

export function watchShells(): WatchedShells {
  const inner = createLocalTransport();
  const said: string[][] = [];
  const processes: RemoteProcess[] = [];
  return {
    ...{ said, processes, properties: inner.properties },
    async start(commandLine, signal, onFull) {
      const own: string[] = [];
      const hearing = new Hearing({
        greeted: () => void own.push('greeting'),
        told: ({ name }) => void own.push(name),
      });
      const process = await inner.start(commandLine, signal, onFull);
      said.push(own);
      processes.push(process);
      return tapProcess(process, { sent: (chunk) => hearing.push(chunk) });
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}
