/**
 * A host whose LVM is made of paper: real sh, real processes and mount namespaces, but lvs, lvcreate, lvremove, lvextend
 * and dmsetup are a script over a folder of state, which answers in the form that LVM 2.03.16 was seen to use. So the
 * faults that real volumes show once a year can be had at will.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { temporaryFolder } from '../temporary-folder.ts';
import { type NamespaceHost, startNamespaceHost } from './namespace-host.ts';

interface PaperVolume {
  readonly group: string;
  readonly name: string;
  readonly uuid: string;
  readonly attr: string;
  readonly origin: string;
  readonly tags: string;
  /** What `dmsetup status` says; empty for a device that is not there. */
  readonly status: string;
}

export interface PaperHost extends NamespaceHost {
  put(volume: Partial<PaperVolume> & { readonly name: string }): Promise<void>;
  /** What `dmsetup status` says of a device that is no volume, such as a pool's. */
  setStatus(device: string, status: string): Promise<void>;
  /** "group/name" of all volumes. */
  volumes(): Promise<readonly string[]>;
  /** Lets the next `times` calls of a program fail. */
  fail(program: 'lvremove' | 'lvcreate' | 'lvs' | 'dmsetup', times: number): Promise<void>;
  /** A script that runs inside a program before it does its work. */
  before(program: 'lvcreate' | 'lvremove' | 'lvs', script: string): Promise<void>;
  /** Free extents of the volume group. */
  setFree(extents: number): Promise<void>;
  /** The calls of LVM so far, without those that only look. */
  changes(): Promise<readonly string[]>;
  /** Forgets volumes, faults and calls. */
  reset(): Promise<void>;
}

export const SHELLS = ['dash', 'bash', 'busybox'] as const;
export type Shell = (typeof SHELLS)[number];

export function hasShell(shell: Shell): boolean {
  return existsSync(`/usr/bin/${shell}`);
}

const BUSYBOX_TOOLS = `cat date env grep head ls mkdir mount mv nsenter readlink rm rmdir sed setsid sleep tail timeout tr unshare`;

/** With `busybox`, the tools of the scripts are busybox's too. */
export async function startPaperHost(shell: Shell): Promise<PaperHost> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await temporaryFolder());
  const [bin, state] = [join(folder.path, 'bin'), join(folder.path, 'state')];
  for (const path of [bin, state, join(state, 'lv')]) await mkdir(path);
  for (const program of ['lvs', 'vgs', 'lvcreate', 'lvremove', 'lvextend', 'dmsetup']) {
    const file = join(bin, program);
    await writeFile(file, PROGRAM.replace('@STATE@', state));
    await chmod(file, 0o755);
  }
  if (shell === 'busybox') {
    for (const tool of BUSYBOX_TOOLS.split(' ')) await symlink('/usr/bin/busybox', join(bin, tool));
  }
  const setup = `mount --bind /usr/bin/${shell} "$(readlink -f /bin/sh)"
mount --bind '${bin}' /usr/local/sbin`;
  const world = started.use(await startNamespaceHost(setup));
  const reset = async (): Promise<void> => {
    for (const name of await readdir(state)) await rm(join(state, name), { recursive: true });
    await mkdir(join(state, 'lv'));
    await writeFile(join(state, 'free'), '1000\n');
  };
  await reset();
  const owned = started.move();
  return {
    host: world.host,
    connect: world.connect,
    enter: world.enter,
    sh: world.sh,
    kill: world.kill,
    async put({ group = 'vg0', name, uuid = aUuid(name), attr = 'swi-a-s---', origin = 'files', tags = '', status }) {
      const lines = { vg: group, lv: name, uuid, attr, origin, tags, size: '134217728', status: status ?? VALID };
      const text = Object.entries(lines).map(([key, value]) => `${key}='${value}'\n`);
      await writeFile(join(state, 'lv', `${group}@${name}`), text.join(''));
    },
    setStatus: (device, status) => writeFile(join(state, `device-${device}`), `${status}\n`),
    volumes: async () => (await readdir(join(state, 'lv'))).map((file) => file.replace('@', '/')).toSorted(),
    fail: (program, times) => writeFile(join(state, `fail-${program}`), `${times}\n`),
    before: (program, script) => writeFile(join(state, `before-${program}`), script),
    setFree: (extents) => writeFile(join(state, 'free'), `${extents}\n`),
    async changes() {
      const log = await readFile(join(state, 'log'), 'utf8').catch(() => '');
      return log.split('\n').filter((line) => /^lv(create|remove|extend) /.test(line));
    },
    reset,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const VALID = '0 2097152 snapshot 16/262144 16';

/** In LVM's form, the same for the same name. */
export function aUuid(name: string): string {
  const hex = Buffer.from(name).toString('hex').padEnd(32, '0').slice(-32);
  return hex.replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.*)$/, '$1-$2-$3-$4-$5-$6-$7');
}

/** Asks until it is true; for what another process does in its own time. */
export async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  const begin = performance.now();
  while (!(await condition())) {
    const waited = performance.now() - begin;
    if (waited > 20_000) throw new Error(`It never came about that ${what}.`);
    // Who asks all the time keeps the host from what is waited for.
    await wait(50 + waited / 10);
  }
}

const PROGRAM = String.raw`#!/bin/sh
state=@STATE@
program=${'$'}{0##*/}
echo "$program $*" >> "$state/log"
[ ! -e "$state/before-$program" ] || . "$state/before-$program"
if [ -s "$state/fail-$program" ]; then
  read -r times < "$state/fail-$program"
  if [ "$times" -gt 0 ]; then echo $((times - 1)) > "$state/fail-$program"; echo "  $program: paper fault" >&2; exit 5; fi
fi
fields= separator=' ' target= name= extents= newtags= command= select=
while [ "$#" -gt 0 ]; do
  case $1 in
    -o) fields=$2; shift 2 ;;
    --separator) separator=$2; shift 2 ;;
    --config) case $2 in *'separator="|"'*) separator='|' ;; esac; shift 2 ;;
    --units|--monitor) shift 2 ;;
    -S) select=$2; shift 2 ;;
    -k) shift 2 ;;
    -n) name=$2; shift 2 ;;
    -l) extents=$2; shift 2 ;;
    --addtag) newtags=${'$'}{newtags:+$newtags,}$2; shift 2 ;;
    -*) shift ;;
    *) command=$target; target=$1; shift ;;
  esac
done
row() {
  line= glue=
  IFS=,
  for field in $fields; do
    case $field in
      vg_name) value=$vg ;; lv_name) value=$lv ;; lv_uuid) value=$uuid ;; lv_attr) value=$attr ;; lv_tags) value=$tags ;;
      origin) value=$origin ;;
      lv_size) value=$size ;; vg_extent_size) value=4194304 ;; vg_free_count) read -r value < "$state/free" ;;
      *) echo "  Unrecognised field: $field" >&2; exit 5 ;;
    esac
    line=$line$glue$value glue=$separator
  done
  unset IFS
  echo "  $line"
}
file="$state/lv/${'$'}{target%/*}@${'$'}{target#*/}"
case $program in
  vgs) row ;;
  lvs)
    if [ -n "$target" ]; then
      [ -e "$file" ] || { echo "  Failed to find logical volume \"$target\"" >&2; exit 5; }
      . "$file"; row; exit 0
    fi
    for each in "$state"/lv/*; do [ ! -e "$each" ] || { . "$each"; row; }; done ;;
  lvremove)
    # LVM looks once more at what it removes; what does not match is left alone without a word.
    if [ -n "$select" ] && [ -e "$file" ]; then
      . "$file"
      wanted=${'$'}{select#*\{}; wanted=${'$'}{wanted%%\}*}
      for tag in $(echo "$wanted" | tr -d '"&'); do case ",$tags," in *",$tag,"*) ;; *) exit 0 ;; esac; done
      case $select in *'(lv_attr=~"^s" || (lv_attr=~"^V" && origin!=""))'*) ;; *) echo 'paper knows no such selection' >&2; exit 5 ;; esac
      case $attr:$origin in s*|V*:?*) ;; *) exit 0 ;; esac
      case $select in *lv_uuid=*) case $select in *"lv_uuid=\"$uuid\""*) ;; *) exit 0 ;; esac ;; esac
    fi
    # One step, as under LVM's lock: of two who remove the same volume, one is told that it is gone.
    rm "$file" 2>/dev/null || { echo "  Failed to find logical volume \"$target\"" >&2; exit 5; } ;;
  lvcreate)
    group=${'$'}{target%/*}
    # Without a size it is a thin one.
    if [ -n "$extents" ]; then attr=swi-a-s--- status="0 2097152 snapshot 16/$((extents * 8192)) 16"; else attr=Vwi-a-tz-k status='0 2097152 thin 34944 2097151'; fi
    cat > "$state/lv/$group@$name" <<EOF
vg='$group'
lv='$name'
uuid='abcdef-0000-1111-2222-3333-4444-555555'
attr='$attr'
origin='${'$'}{target#*/}'
tags='$newtags'
size='$((${'$'}{extents:-32} * 4194304))'
status='$status'
EOF
    ;;
  lvextend)
    . "$file"
    sed -i "s/^size=.*/size='$((size + ${'$'}{extents#+} * 4194304))'/" "$file" ;;
  dmsetup)
    [ ! -e "$state/device-$target" ] || { cat "$state/device-$target"; exit 0; }
    for each in "$state"/lv/*; do
      [ -e "$each" ] || continue
      . "$each"
      [ "$vg-$lv" = "$target" ] || continue
      [ -n "$status" ] || break
      case $command in
        info) echo "LVM-00000000000000000000000000000000$(echo "$uuid" | tr -d -)" ;;
        *) echo "$status" ;;
      esac
      exit 0
    done
    exit 1 ;;
esac
exit 0
`;
