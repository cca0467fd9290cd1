/**
 * The lab by hand: `node test/lab/main.ts build` builds the image, `node test/lab/main.ts up` keeps a guest running
 * until interrupted and prints how to log in. A word behind it, `zfs`, is another kind of guest.
 */
import { once } from 'node:events';
import { startGuest } from './guest.ts';
import { guestImage } from './guest-image.ts';
import { type GuestKind, plainGuest } from './guest-kind.ts';
import { printedProgress } from './progress.ts';
import { noteFailure } from './test-run.ts';
import { zfsGuest } from './zfs/zfs-guest.ts';

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    interrupted.abort(new Error(`Interrupted by ${name}`));
  });
}

const progress = printedProgress((line) => console.log(line));

const kinds: Readonly<Record<string, GuestKind>> = { plain: plainGuest, zfs: zfsGuest };
const [verbName = '', kindName = 'plain'] = process.argv.slice(2);
const kind = kinds[kindName] ?? plainGuest;

async function build(): Promise<void> {
  try {
    const { directory } = await guestImage(progress, interrupted.signal, kind);
    console.log(`The image is in ${directory}`);
  } catch (error) {
    if (!interrupted.signal.aborted) await noteFailure((error as Error).message);
    throw error;
  }
}

async function keepUp(): Promise<void> {
  await using guest = await startGuest({ progress, kind }, interrupted.signal);
  console.log(`The guest is up. Log in with (or lab-bak, lab-bakpw, lab-nosudo, lab-proxied):

    ssh -F ${guest.sshConfigFile} lab

Interrupt (Ctrl-C) to end it and remove every trace.`);
  const keepAlive = setInterval(() => undefined, 60_000);
  if (!interrupted.signal.aborted) await once(interrupted.signal, 'abort');
  clearInterval(keepAlive);
}

const verbs: Readonly<Record<string, () => Promise<void>>> = { build, up: keepUp };
const verb = verbs[verbName];
if (verb === undefined || kinds[kindName] === undefined) {
  console.error('Usage: node test/lab/main.ts build | up [plain | zfs]');
  process.exitCode = 2;
} else {
  await verb().catch((error: unknown) => {
    console.error(`lab: ${(error as Error).message}`);
    process.exitCode = 1;
  });
}
