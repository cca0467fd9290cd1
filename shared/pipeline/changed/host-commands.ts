/**
 * What is asked of a host about a large file that changed: what tar says of it before its content, and then parts of it, as they
 * are or as their SHA-256. The parts come as lines "offset length" on standard input, for as long as there are any. Each is
 * answered by so many bytes and a newline, or by a line of 64 hexadecimal digits.
 *
 * The newline is more than a check: whoever reads the output of a script holds back what may be the beginning of its end
 * (`remote/conversation.ts`), and content may look like that, on which the next question waits.
 */
import type { StreamCommand } from '../../remote/command.ts';
import { TAR } from '../backup/pack-files.ts';
import { type ReadingPlace, scriptAt } from '../backup/reading-place.ts';

/** A map of some ten thousand parts fits. Of a file without holes, so much of its content comes twice. */
export const HEAD_BYTES = 128 * 1024;

/** The beginning of a tar archive with one file in it. @param name as tar is given it */
export function headOfFile(place: ReadingPlace, base: Buffer, name: Buffer): StreamCommand {
  const script = `printf "%s\\0" "$2" | ${TAR} | head -c ${HEAD_BYTES}`;
  return scriptAt(place, { name: 'head-of-file', script, args: [base, name] });
}

/** One process for all parts, with the SHA-256 of OpenSSL, which is several times as fast as the others where a processor helps. */
const PYTHON = `
import hashlib, sys
size = 1 << 18
view = memoryview(bytearray(size))
put = sys.stdout.buffer
with open(sys.argv[1], "rb", 0) as file:
    for line in sys.stdin.buffer:
        offset, left = map(int, line.split())
        file.seek(offset)
        digest = hashlib.sha256() if sys.argv[2] == "hashes" else None
        while left > 0:
            count = file.readinto(view[: min(left, size)])
            if not count:
                sys.exit(1)
            if digest is None:
                put.write(view[:count])
            else:
                digest.update(view[:count])
            left -= count
        put.write((digest.hexdigest().encode() if digest else b"") + b"\\n")
        put.flush()
`;

/** One process, too; Digest::SHA comes with Perl itself. */
const PERL = `
use strict; use Digest::SHA;
$| = 1;
binmode STDOUT;
open(my $file, "<:raw", $ARGV[0]) or exit 1;
while (my $line = <STDIN>) {
  my ($offset, $left) = split " ", $line;
  defined sysseek($file, $offset, 0) or exit 1;
  my $digest = $ARGV[1] eq "hashes" ? Digest::SHA->new(256) : undef;
  while ($left > 0) {
    my $count = sysread($file, my $data, $left < 262144 ? $left : 262144);
    exit 1 unless $count;
    if ($digest) { $digest->add($data) } else { print $data }
    $left -= $count;
  }
  print $digest ? $digest->hexdigest : "", "\\n";
}
`;

/** There is nothing on the host that computes SHA-256. */
export const NO_PROGRAM = 69;

/**
 * Without Python and Perl, one process a part or two of them. A part that is not all there ends it: whoever waits for the rest would
 * wait for ever. A dd that failed has a hash, too, but one that is not asked for.
 */
export const FILE_PARTS = `
cd "$1" || exit 1
if python3 -I -S -c "import hashlib" >/dev/null 2>&1 </dev/null; then
  exec python3 -I -S -c "$4" "$2" "$3"
fi
if perl -MDigest::SHA -e "" >/dev/null 2>&1 </dev/null; then
  exec perl -e "$5" -- "$2" "$3"
fi
part() {
  dd if="$1" bs=65536 iflag=skip_bytes,count_bytes,fullblock skip="$2" count="$3" 2>/dev/null </dev/null
}
command -v sha256sum >/dev/null 2>&1 || exit ${NO_PROGRAM}
size=$(stat -c %s -- "$2") || exit 1
while read -r offset length; do
  [ $((offset + length)) -le "$size" ] || exit 1
  if [ "$3" = hashes ]; then
    sum=$(part "$2" "$offset" "$length" | sha256sum) || exit 1
    printf "%s\\n" "\${sum%% *}"
  else
    part "$2" "$offset" "$length" || exit 1
    echo
  fi
done`;

/** Parts of a file, for as long as there are lines that ask for them. */
export function fileParts(place: ReadingPlace, base: Buffer, name: Buffer, as: 'hashes' | 'bytes'): StreamCommand {
  const args = [base, name, as, PYTHON, PERL];
  return { ...scriptAt(place, { name: 'file-parts', script: FILE_PARTS, args }), accepts: [0, NO_PROGRAM] };
}
