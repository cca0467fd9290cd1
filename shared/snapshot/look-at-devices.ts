/** What the host has at the paths of block devices that are to be saved as images. Nothing is changed, and nothing of them kept. */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../remote/command.ts';

export interface DeviceLook {
  /** As the source names it. */
  readonly asked: Buffer;
  readonly found: 'device' | 'something-else' | 'nothing';
  /** "major:minor", of a device. */
  readonly device: string;
  readonly sizeBytes: number;
  /**
   * What lies on it, in blkid's word, such as "ext4"; "" where blkid knows nothing there, "several" where it knows too much,
   * undefined where it could not be asked.
   */
  readonly content: string | undefined;
}

/** Each number of stat is in hex digits. */
const SCRIPT = `
for p do
  if [ ! -e "$p" ]; then printf 'nothing\\0\\0000\\0\\0'; continue; fi
  if [ ! -b "$p" ]; then printf 'something-else\\0\\0000\\0\\0'; continue; fi
  number=$(stat -L -c '%t:%T' -- "$p") || exit 1
  number=$((0x\${number%%:*})):$((0x\${number##*:}))
  read -r sectors < "/sys/dev/block/$number/size" || exit 1
  content=-
  if command -v blkid >/dev/null 2>&1; then
    content=$(timeout 60 blkid -p -s TYPE -o value -- "$p" 2>/dev/null </dev/null)
    case $? in 0|2) ;; 8) content=several ;; *) content=- ;; esac
  fi
  printf 'device\\0%s\\0%s\\0%s\\0' "$number" "$((sectors * 512))" "$content"
done`;

export function lookAtDevices(paths: readonly Buffer[]): RemoteCommand<readonly DeviceLook[]> {
  const script: RemoteScript = { name: 'look-at-devices', script: SCRIPT, args: paths, needs: 'either' };
  return {
    ...script,
    budgetMs: 60_000 + 60_000 * paths.length,
    repeatable: true,
    leavesNoProcess: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.length !== paths.length * FIELDS + 1)
        throw unreadableOutput(script, 'devices are missing', fields.join('|'));
      return paths.map((asked, index) => parseLook(asked, fields.slice(index * FIELDS), script));
    },
  };
}

const FIELDS = 4;

function parseLook(asked: Buffer, fields: readonly string[], script: RemoteScript): DeviceLook {
  const [found = '', device = '', size = '', content = ''] = fields;
  if (found === 'nothing' || found === 'something-else')
    return { asked, found, device: '', sizeBytes: 0, content: undefined };
  if (found !== 'device' || !/^\d+:\d+$/.test(device) || !/^\d+$/.test(size) || !/^[\w+.-]*$/.test(content))
    throw unreadableOutput(script, 'a device is described in another form', fields.join('|'));
  return { asked, found, device, sizeBytes: Number(size), content: content === '-' ? undefined : content };
}
