import type { Command } from 'commander';
import { cancelled } from '../../shared/base/cancel.ts';
import { StillpointError } from '../../shared/base/errors.ts';
import { hostName } from '../../shared/domain/names.ts';
import {
  NEW_FILE_SYSTEMS,
  type NewFileSystem,
  type NewVolumePlan,
  type NewVolumeRequest,
} from '../../shared/domain/new-volume.ts';
import { parseSize } from '../../shared/domain/size.ts';
import { HOST } from '../arguments.ts';
import { renderNewVolume, renderNewVolumePlan } from '../render/prepare.ts';
import type { Shell } from '../shell.ts';

interface PrepareOptions {
  readonly group?: string;
  readonly addTo?: string;
  readonly volume?: string;
  readonly fileSystem?: string;
  readonly reserve?: string;
  readonly size?: string;
  readonly dryRun?: true;
}

/** What stays free in a new group, for snapshots. */
const RESERVE_PERCENT = 20;

/** `stillpoint prepare HOST DEVICE`: room for data, of an empty device, that can be snapshotted. */
export function addPrepare(program: Command, shell: Shell): void {
  program
    .command('prepare')
    .description('make room for data, which can be snapshotted, out of an empty device of a host')
    .argument('<host>', HOST)
    .argument('<device>', 'an empty disk or partition there, such as /dev/sdb')
    .option('--group <name>', 'make a group of this name, with a volume in it')
    .option('--volume <name>', 'the name of the volume (default: data)')
    .option('--file-system <kind>', `${NEW_FILE_SYSTEMS.join(' or ')} (default: ${NEW_FILE_SYSTEMS[0]})`)
    .option('--reserve <percent>', `how much of the group stays free for snapshots (default: ${RESERVE_PERCENT}%)`)
    .option('--size <size>', 'how large the volume shall be, instead of all but the reserve')
    .option('--add-to <group>', 'give the device to a group that there is, as more room')
    .option('--dry-run', 'only look at the device and print what would be done')
    .addHelpText(
      'after',
      '\nA device on which anything is found, or that anything uses, is refused; nothing on it is ever removed. It is done only\nby a person at a terminal who types the name of the device.\n\nExample:\n  stillpoint prepare db1 /dev/sdb --group data --file-system xfs\n  stillpoint prepare db1 /dev/sdc --add-to data',
    )
    .action(async (host: string, device: string, options: PrepareOptions) => {
      const request: NewVolumeRequest = { host: hostName(host), device, wanted: wantedBy(options) };
      await shell.talk(async (stillpoint, signal, say) => {
        const plan = await stillpoint.planVolume(request, signal);
        if (options.dryRun === true) return { document: { plan }, text: (paint) => renderNewVolumePlan(plan, paint) };
        say((paint) => renderNewVolumePlan(plan, paint));
        await requireTyped(plan, shell, signal);
        const made = await stillpoint.makeVolume(request, plan.id, signal);
        return { document: { made }, text: (paint) => renderNewVolume(made, paint) };
      });
    });
}

function wantedBy({ group, addTo, volume, fileSystem, reserve, size }: PrepareOptions): NewVolumeRequest['wanted'] {
  if (group !== undefined && addTo !== undefined)
    throw mistaken(
      '--group and --add-to are both given.',
      'Keep one of them: --group makes a new group, --add-to gives the device to one that there is.',
    );
  if (group === undefined && addTo === undefined)
    throw mistaken(
      'Either --group or --add-to is needed.',
      'Name a new group with --group, or one that there is with --add-to.',
    );
  if (addTo !== undefined) {
    if ([volume, fileSystem, reserve, size].some((each) => each !== undefined))
      throw mistaken('With --add-to no volume is made.', 'Leave out --volume, --file-system, --reserve and --size.');
    return { kind: 'more-room', group: addTo };
  }
  if (reserve !== undefined && size !== undefined)
    throw mistaken('--reserve and --size are both given.', 'Keep one of them: what the volume leaves is the reserve.');
  return {
    ...{ kind: 'volume', group: group ?? '', volume: volume ?? 'data', fileSystem: fileSystemOf(fileSystem) },
    size: size === undefined ? { reservePercent: percentOf(reserve) } : { bytes: parseSize(size) },
  };
}

function fileSystemOf(text: string = NEW_FILE_SYSTEMS[0]): NewFileSystem {
  const known = NEW_FILE_SYSTEMS.find((each) => each === text);
  if (known !== undefined) return known;
  throw mistaken(`"${text}" is not a file system that is made here.`, `Choose ${NEW_FILE_SYSTEMS.join(' or ')}.`);
}

function percentOf(text: string | undefined): number {
  const percent = Number(/^(\d{1,2})%?$/.exec(text ?? String(RESERVE_PERCENT))?.[1]);
  if (percent >= 1 && percent <= 90) return percent;
  throw mistaken(`"${text}" is not a reserve.`, 'Write a percentage from 1 to 90, such as 20%.');
}

const mistaken = (message: string, advice: string): StillpointError =>
  new StillpointError('usage.invalid', message, { advice, cause: undefined });

/** No option stands for it: who makes a file system has to know of which device. */
async function requireTyped(plan: NewVolumePlan, shell: Shell, signal: AbortSignal): Promise<void> {
  const { ask } = shell.surroundings;
  const { path } = plan.device;
  if (ask === undefined || shell.isJson) {
    throw new StillpointError('usage.invalid', `${path} is used only where a person at a terminal types its name.`, {
      advice: 'Run it at a terminal; --dry-run prints what would be done.',
      details: { plan },
      cause: undefined,
    });
  }
  const answer = await ask(`Type the name of the device, ${path}, to do this: `, signal);
  signal.throwIfAborted();
  if (answer === undefined || answer.trim() === '') throw cancelled('The preparation');
  if (answer.trim() === path) return;
  throw mistaken(`"${answer.trim()}" was typed, and the device is ${path}.`, 'Look again which one is meant.');
}
