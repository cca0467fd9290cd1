/**
 * A small tree of which restic 0.14 stores everything: all kinds of files, names, modes and times, each file of one blob
 * for its chunker too, and at most one attribute, whose order no program promises. Made as root.
 */
import { execa } from 'execa';

/** `dir` is created. */
export async function makePlainTree(dir: string): Promise<void> {
  await execa('bash', ['-seu', '-', dir], { input: SCRIPT });
}

const SCRIPT = String.raw`
mkdir "$1"; cd "$1"
echo hello > hello; touch empty; mkdir -p a/b/c 'with space'; echo deep > a/b/c/deep
ln -s hello link; ln hello hard; mkfifo fifo; mknod null c 1 3; mknod loop b 7 200
for name in $'new\nline' $'\xff\xfe' 'quote"back\slash' '<html>&amp;' 'ümlaut 漢字 🙂' $'esc\e[31m' "it's" $'\u2028line'; do
  printf '%s' "$name" > "./$name"
done
head -c 300000 /dev/urandom > random
chmod 4755 hello; chmod 1777 a; chmod 0 empty; chown 12345:54321 random
touch -h -d '1966-05-04T03:02:01.123456789Z' link; touch -d '2100-01-01T00:00:00.5Z' a/b
setfattr -n user.note -v 'value <&>' random; setfacl -m u:1:r hello
`;
