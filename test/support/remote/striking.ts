/**
 * A transport that strikes at a chosen step of a run, by construction and not by delays: before the host is sent the
 * script, when the host has said that the script runs, or when its whole answer has come. What the strike is, the caller
 * says; it is called once, and whoever planned it asks afterwards whether it was.
 */
import type { Transport } from '../../../shared/remote/transport.ts';
import { parseTrailer, readyLine, TRAILER_LENGTH } from '../../../shared/remote/wire.ts';
import { parseGreeting, parseScript } from './spoken-script.ts';
import { tapProcess } from './tapped-process.ts';

export const MOMENTS = ['before', 'in', 'after'] as const;

export interface StrikePlan {
  /** Name of the remote command; the first time that it runs. */
  readonly step: string;
  readonly moment: (typeof MOMENTS)[number];
}

export interface Striker {
  wrap(inner: Transport): Transport;
  hasFired(): boolean;
}

/** For any number of connections of one run. */
export function planStrike({ step, moment }: StrikePlan, strike: () => void): Striker {
  let fired = false;
  const fire = (): void => {
    if (fired) return;
    fired = true;
    strike();
  };
  return {
    hasFired: () => fired,
    wrap: (inner) => ({
      properties: inner.properties,
      async start(commandLine, signal) {
        let [sent, received]: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
        let nonce: string | undefined;
        let isStep = false;
        return tapProcess(await inner.start(commandLine, signal), {
          // Heard before it is on its way.
          sent(chunk) {
            if (isStep || fired) return;
            sent = Buffer.concat([sent, chunk]);
            const greeting = parseGreeting(sent);
            if (greeting === undefined) return;
            nonce = greeting.nonce;
            isStep = parseScript(sent.subarray(greeting.end))?.script.name === step;
            if (isStep && moment === 'before') fire();
          },
          received(chunk) {
            if (!isStep || fired || nonce === undefined) return;
            received = Buffer.concat([received, chunk]).subarray(-64 * 1024);
            if (moment === 'in' && received.includes(readyLine(nonce))) fire();
            if (moment === 'after' && parseTrailer(nonce, received.subarray(-TRAILER_LENGTH)) !== undefined) fire();
          },
        });
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    }),
  };
}
