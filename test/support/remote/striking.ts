/**
 * A transport that strikes at a chosen step of a run, by construction and not by delays: before the host is sent the
 * script, when the host has said that the script runs, when some of its answer has come, or when all of it has. What the
 * strike is, the caller says; whoever planned it asks afterwards whether it was.
 */
import type { Transport } from '../../../shared/remote/transport.ts';
import { parseTrailer, readyLine, TRAILER_LENGTH } from '../../../shared/remote/wire.ts';
import { Hearing } from './spoken-script.ts';
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

/** For any number of connections of one run; the strike is called once. */
export function planStrike({ step, moment }: StrikePlan, strike: () => void): Striker {
  let fired = false;
  const fire = (): void => {
    if (fired) return;
    fired = true;
    strike();
  };
  return {
    hasFired: () => fired,
    wrap: (inner) =>
      hearScripts(inner, ({ name, nonce }) => {
        if (name !== step || fired) return undefined;
        if (moment === 'before') fire();
        let received: Buffer = Buffer.alloc(0);
        return (chunk) => {
          if (fired) return;
          received = Buffer.concat([received, chunk]).subarray(-64 * 1024);
          if (moment === 'in' && received.includes(readyLine(nonce))) fire();
          if (moment === 'after' && parseTrailer(nonce, received.subarray(-TRAILER_LENGTH)) !== undefined) fire();
        };
      }),
  };
}

/** So much of what tar sends has come; what the host has sent ahead is less than as much again. */
const MID_READ_BYTES = 1 << 20;

export interface MidReadStriker extends Pick<Striker, 'wrap'> {
  /** How often it struck. */
  strikes(): number;
}

/**
 * Strikes in the middle of each reading of content. The host is held up by what is not taken off it, so what lies three
 * mebibytes on in the answer has not been read by then.
 *
 * @param strike is told which reading it is, from 1 on
 */
export function strikeMidRead(strike: (reading: number) => void): MidReadStriker {
  let strikes = 0;
  return {
    strikes: () => strikes,
    wrap: (inner) =>
      hearScripts(inner, ({ name }) => {
        if (name !== 'pack-files') return undefined;
        let bytes = 0;
        return (chunk) => {
          const before = bytes;
          bytes += chunk.length;
          if (before >= MID_READ_BYTES || bytes < MID_READ_BYTES) return;
          strikes += 1;
          strike(strikes);
        };
      }),
  };
}

interface HeardScript {
  readonly name: string;
  readonly nonce: string;
}

/** @param begins is told of each script before it is on its way; what it returns hears the answer */
function hearScripts(
  inner: Transport,
  begins: (script: HeardScript) => ((chunk: Buffer) => void) | undefined,
): Transport {
  return {
    properties: inner.properties,
    async start(commandLine, signal, onFull) {
      let answer: ((chunk: Buffer) => void) | undefined;
      const hearing = new Hearing({
        told: ({ name, nonce }) => {
          answer = begins({ name, nonce });
        },
      });
      return tapProcess(await inner.start(commandLine, signal, onFull), {
        sent: (chunk) => hearing.push(chunk),
        received: (chunk) => answer?.(chunk),
      });
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}
