/**
 * Starting the database from restored files: in the guest, because the server is there, but from files that went the
 * whole way over SSH, through the repository and back. A second server on a folder of its own, without a network.
 */
import { join } from 'node:path';
import { execa } from 'execa';
import type { Guest } from '../lab/guest.ts';
import { ordersCheck } from '../lab/living-writer.ts';

const FOLDER = '/var/tmp/rehearsal';

export interface Rehearsal {
  /** What `mariadb-check` printed for tables that are not OK; empty when it found nothing. */
  readonly complaints: readonly string[];
  readonly rows: number;
  readonly lowestId: number;
  readonly highestId: number;
  readonly wrongChecksums: number;
}

export async function rehearseDatabase(
  guest: Guest,
  restoredDataFolder: string,
  signal: AbortSignal,
): Promise<Rehearsal> {
  await guest.must(`rm -rf ${FOLDER} && mkdir -p ${FOLDER}/data && chown mysql: ${FOLDER}`, { signal });
  await sendFolder(guest, restoredDataFolder, join(FOLDER, 'data'), signal);
  try {
    await guest.must(START, { signal });
    const check = await guest.must(`mariadb-check --socket=${FOLDER}/socket --all-databases 2>&1`, { signal });
    const counts = await guest.must(
      `mariadb --socket=${FOLDER}/socket --skip-column-names -e ${JSON.stringify(ordersCheck)}`,
      { signal },
    );
    const [rows = 0, lowestId = 0, highestId = 0, wrongChecksums = 0] = counts.trim().split('\t').map(Number);
    const complaints = check.split('\n').filter((line) => line !== '' && !/\sOK$/.test(line));
    return { complaints, rows, lowestId, highestId, wrongChecksums };
  } finally {
    await guest.run(STOP, { signal: AbortSignal.timeout(60_000) });
  }
}

const START = `set -e
cd ${FOLDER}
rm -f data/*.pid
mariadbd --user=mysql --datadir=${FOLDER}/data --socket=${FOLDER}/socket --pid-file=${FOLDER}/pid --skip-networking --ignore-db-dir=lost+found --log-error=${FOLDER}/log </dev/null >/dev/null 2>&1 &
i=0
until mariadb --socket=${FOLDER}/socket -e 'SELECT 1' >/dev/null 2>&1; do
  i=$((i + 1))
  if [ $i -gt 600 ]; then tail -n 30 ${FOLDER}/log >&2; exit 1; fi
  sleep 0.1
done`;

const STOP = `[ ! -e ${FOLDER}/pid ] || { read -r pid < ${FOLDER}/pid; kill "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done; }
rm -rf ${FOLDER}`;

/** Owners and modes go along; the sender is the plain tar of this machine. */
export async function sendFolder(guest: Guest, folder: string, target: string, signal: AbortSignal): Promise<void> {
  await execa(
    'sh',
    [
      '-c',
      'tar --create --sparse --numeric-owner --directory="$1" . | ssh -F "$2" lab "tar --extract --numeric-owner --same-permissions --directory=$3"',
      'sh',
      folder,
      guest.sshConfigFile,
      target,
    ],
    {
      cancelSignal: signal,
      stdin: 'ignore',
    },
  );
}
