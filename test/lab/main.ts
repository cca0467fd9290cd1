/**
 * The lab by hand: `node test/lab/main.ts build` builds the image, `node test/lab/main.ts up` keeps a guest running
 * until interrupted and prints how to log in.
 */
import { once } from 'node:events';
import { startGuest } from './guest.ts';
import { guestImage } from './guest-image.ts';

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    interrupted.abort(new Error(`Interrupted by ${name}`));
  });
}

function printPhase(phase: string, milliseconds: number): void {
  console.log(`${(milliseconds / 1000).toFixed(1).padStart(7)} s  ${phase}`);
}

const verb = process.argv[2];
if (verb === 'build') {
  const image = await guestImage({ onPhase: printPhase }, interrupted.signal);
  console.log(`The image is in ${image.directory}`);
} else if (verb === 'up') {
  await using guest = await startGuest({ onPhase: printPhase }, interrupted.signal);
  console.log(`The guest is up. Log in with (or lab-bak, lab-bakpw, lab-nosudo, lab-proxied):

    ssh -F ${guest.sshConfigFile} lab

Interrupt (Ctrl-C) to end it and remove every trace.`);
  const keepAlive = setInterval(() => undefined, 60_000);
  if (!interrupted.signal.aborted) await once(interrupted.signal, 'abort');
  clearInterval(keepAlive);
} else {
  console.error('Usage: node test/lab/main.ts build | up');
  process.exitCode = 2;
}
