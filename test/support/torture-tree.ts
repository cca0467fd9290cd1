/**
 * A tree of everything that a backup can get wrong: names of every kind, all types of files, owners, modes, times
 * before 1970 and far ahead, attributes with binary values, ACLs, capabilities, hard links across folders, sparse
 * files, deep and empty folders. Made as root; needs Debian's `attr`, `acl` and `libcap2-bin`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { mapWithLimit } from '../../shared/base/limit.ts';

export interface TortureTreeOptions {
  /** How many small files, spread over folders of 500; default 200. */
  readonly smallFiles?: number;
  /** Apparent size of the largest sparse file; default 3 GiB. */
  readonly sparseBytes?: number;
  /** Sockets are in no backup; put one in to see it reported. */
  readonly withSocket?: boolean;
}

/** `dir` is created. The tree is the same each time but for inode numbers, ctimes and the times of the small files. */
export async function makeTortureTree(dir: string, options: TortureTreeOptions = {}): Promise<void> {
  await mkdir(dir, { mode: 0o755 });
  await makeSmallFiles(join(dir, 'small'), options.smallFiles ?? 200);
  const sparseBytes = String(options.sparseBytes ?? 3 * 1024 ** 3);
  await execa('bash', ['-seu', '-', dir, sparseBytes], { input: SCRIPT, env: { LC_ALL: 'C' } });
  if (options.withSocket === true) await makeSocket(join(dir, 'kinds/socket'));
}

async function makeSmallFiles(dir: string, count: number): Promise<void> {
  const perFolder = 500;
  const folders = Array.from({ length: Math.ceil(count / perFolder) }, (_, index) => join(dir, `folder-${index}`));
  await mkdir(dir);
  await mapWithLimit(folders, 8, (folder) => mkdir(folder));
  const numbers = Array.from({ length: count }, (_, index) => index);
  await mapWithLimit(numbers, 16, async (index) => {
    const text = `file ${index}: ${'x'.repeat((index * 37) % 6000)}\n`;
    await writeFile(join(folders[Math.floor(index / perFolder)] ?? dir, `file-${index}.txt`), text);
  });
}

async function makeSocket(path: string): Promise<void> {
  const program = 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])';
  await execa('python3', ['-c', program, path]);
}

const SCRIPT = String.raw`
cd "$1"
sparse_bytes=$2
umask 022

mkdir names; cd names
long=$(printf 'n%.0s' $(seq 255))
for name in $'new\nline' $'tab\there' $'esc\e[31mred' $'bell\a' 'two  blanks ' ' leading' 'trailing ' '"double"' "single'" \
  'back\slash' '$(touch bad)' '*' '?' '[a-z]' '!' '#hash' '~' '-rf' '--checkpoint-action=exec=sh' '-' '@list' 'a=b' 'a%b' \
  '...' '.hidden' 'ümlaut' '日本語' $'e\u0301' '🙂' $'\xff' $'bad\xc3\x28utf8' $'latin1-\xe9' $'\x01\x02' $'del\x7f' "$long" \
  $'trail\n' $'rtl\u202Egnp.exe' 'con' 'C:colon' $'\xed\xa0\x80surrogate'; do
  printf 'I am %s' "$name" > "./$name"
done
mkdir -- $'folder\nwith \xff' '-dash' "$(printf 'd%.0s' $(seq 255))"
echo in > "./-dash/-file"
echo in > $'./folder\nwith \xff/in\tside'
n101=$(printf 'e%.0s' $(seq 101)); echo 101 > "./$n101"
n100=$(printf 'e%.0s' $(seq 100)); echo 100 > "./$n100"
cd ..

mkdir kinds; cd kinds
: > empty-file
mkdir empty-folder folder-0700 folder-1777 folder-2755
chmod 0700 folder-0700; chmod 1777 folder-1777; chmod 2755 folder-2755
mkfifo -m 0640 fifo
mknod -m 0660 char-device c 1 3; chown 3:4 char-device
mknod -m 0600 block-device b 259 262143
mknod large-minor c 511 65536
ln -s empty-file link-plain
ln -s ../names link-up
ln -s /absolute/not/there link-absolute
ln -s -- $'bad\xff\ntarget' link-bytes
ln -s "$(printf 't%.0s' $(seq 1000))" link-long
ln -s ümlaut $'link-\xfe'
ln -s . link-self
chown -h 1234:5678 link-plain
cd ..

mkdir owners; cd owners
for id in 0 1 1000 65534 2097151 2097152 4294967294; do echo $id > "u$id"; chown "$id:$id" "u$id"; done
for mode in 0000 0400 0444 0600 0755 0777 4755 2755 6711 1644; do echo $mode > "m$mode"; chmod "$mode" "m$mode"; done
mkdir read-only-folder; echo x > read-only-folder/inside; mkdir read-only-folder/deeper; chmod 0555 read-only-folder
mkdir closed-folder; echo x > closed-folder/inside; chown 1000:1000 closed-folder; chmod 0000 closed-folder
cd ..

mkdir links other-folder; cd links
echo linked > first; ln first second; ln first ../other-folder/third
ln -s target symbolic; ln symbolic symbolic-again
echo pair > aaa; ln aaa ../other-folder/zzz; ln aaa $'name\n\xff'
: > empty-one; ln empty-one empty-two
cd ..

mkdir sparse; cd sparse
truncate -s "$sparse_bytes" large
printf 'in the middle' | dd of=large bs=1 seek=$((sparse_bytes / 2 + 12345)) conv=notrunc status=none
printf 'at the end' | dd of=large bs=1 seek=$((sparse_bytes - 10)) conv=notrunc status=none
truncate -s 7M only-hole
truncate -s 5000000 hole-at-end; printf 'data' | dd of=hole-at-end conv=notrunc status=none
truncate -s 2M hole-at-start; printf 'data' >> hole-at-start
truncate -s 20M many-holes
for i in $(seq 0 37); do printf "part $i" | dd of=many-holes bs=1 seek=$((i * 524288 + 7)) conv=notrunc status=none; done
head -c 3000000 /dev/zero > zeros-stored
cd ..

mkdir data; cd data
for size in 1 511 512 513 4095 4096 4097 65536 1048576 3333333; do
  openssl enc -aes-128-ctr -K 00000000000000000000000000000001 -iv 00000000000000000000000000000000 \
    -in /dev/zero 2>/dev/null | head -c "$size" > "size-$size" || true
done
cd ..

mkdir attributes; cd attributes
echo a > user; setfattr -n user.text -v text user; setfattr -n user.binary -v 0x00ff0a0d003d25 user
setfattr -n 'user.with=equals' -v 1 user; setfattr -n 'user.with%3Dpercent' -v 1 user; setfattr -n user.empty user
setfattr -n 'user.ümlaut' -v ü user
echo t > trusted; setfattr -n trusted.secret -v 0x0001 trusted
echo l > large; setfattr -n user.large -v "0x$(printf '00ff%.0s' $(seq 900))" large
mkdir folder; setfattr -n user.on-folder -v yes folder; setfattr -n trusted.on-folder -v 0x00 folder
ln -s nowhere link; setfattr -h -n trusted.on-link -v yes link
mkfifo fifo; setfattr -n trusted.on-fifo -v yes fifo
cp /bin/true capable; setcap cap_net_raw,cap_net_bind_service+ep capable
cp /bin/true capable-owned; chown 1000:1000 capable-owned; chmod 4755 capable-owned; setcap cap_sys_admin+p capable-owned
cd ..

mkdir acls; cd acls
echo a > access; setfacl -m u:1234:rwx,g:4321:r-x,m::rw- access
echo b > setuid-acl; chmod 6750 setuid-acl; setfacl -m u:1:r setuid-acl
mkdir inherit; setfacl -m d:u:1234:rwx,d:g:99:r,u:77:x inherit
echo inherits > inherit/inherits
echo plain > inherit/plain; setfacl -b inherit/plain; chmod 0640 inherit/plain
mkdir inherit/plain-folder; setfacl -b -k inherit/plain-folder
mkfifo inherit/pipe; ln -s nowhere inherit/link
ln access inherit/access-again
cd ..

mkdir -p "deep/$(for i in $(seq 60); do printf 'level-%02d-with-a-long-name/' "$i"; done)bottom"
find deep -type d -name bottom -exec sh -c 'echo deep > "$1/file"; ln "$1/file" deep/link-to-bottom' - {} \;

mkdir times; cd times
for time in 0 1 -1 -0.5 -1.25 0.000000001 -631151999.876543211 1700000000.123456789 2147483648 4294967296.5 8589934592.999999999 15032385535; do
  echo "$time" > "t$time"; touch -h -d "@$time" "t$time"
done
ln -s nowhere link; touch -h -d '@1000000000.987654321' link
mkfifo pipe; touch -d '@1000000001.1' pipe
mkdir folder; echo x > folder/file; touch -d '@-1000.000000001' folder
cd ..

# Folders' own times last, since what is made in them changes them.
n=0
find . -depth -type d -print0 | while IFS= read -r -d '' folder; do
  case $folder in ./times/folder) continue;; esac
  n=$((n + 1)); touch -d "@$((1500000000 + n)).$(printf '%09d' $((n * 7654321 % 1000000000)))" "$folder"
done
`;
