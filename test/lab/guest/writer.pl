# The living writer: an order after the other into MariaDB, and blocks into two files, each event written to a journal
# on tmpfs, outside every volume, only after the commit or fdatasync returned.
#
# Journal line: kind SPACE sequence SPACE started SPACE finished SPACE finished-realtime, the first two times in
# nanoseconds since boot (the clock of /proc/uptime), the last in nanoseconds since 1970.
# Block: "LIVEBLOCK <16 digits of sequence> <64 hex digits>\n" and payload; the digits are SHA-256 of sequence and
# payload, so a block made of two writes gives itself away.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Fcntl qw(O_RDWR O_CREAT O_WRONLY O_APPEND);
use IO::Handle;
use IPC::Open2;
use Time::HiRes qw(clock_gettime CLOCK_REALTIME sleep);

use constant CLOCK_BOOTTIME => 7;
use constant BLOCK_BYTES => 65536;
use constant REWRITTEN_BLOCKS => 32;
use constant APPEND_LIMIT => 256;

my ($files, $journal_path, $pause_ms) = @ARGV;
my $is_over = 0;
$SIG{TERM} = sub { $is_over = 1 };
$SIG{PIPE} = 'IGNORE';

open(my $journal, '>>', $journal_path) or die "cannot open $journal_path: $!\n";
$journal->autoflush(1);

sub nanoseconds { sprintf '%.0f', clock_gettime($_[0]) * 1e9 }

sub note {
  my ($kind, $sequence, $started) = @_;
  my ($finished, $realtime) = (nanoseconds(CLOCK_BOOTTIME), nanoseconds(CLOCK_REALTIME));
  print $journal "$kind $sequence $started $finished $realtime\n";
}

sub random_text {
  my ($length) = @_;
  my $text = '';
  $text .= sha256_hex(rand() . $text) while length($text) < $length;
  return substr($text, 0, $length);
}

sub block {
  my ($sequence) = @_;
  my $digits = sprintf '%016d', $sequence;
  # One random line repeated: cheap to make here, yet no two blocks are alike.
  my $line = random_text(127) . "\n";
  my $payload = $line x (BLOCK_BYTES / 128);
  $payload = substr($payload, 0, BLOCK_BYTES - length("LIVEBLOCK $digits ") - 65);
  return "LIVEBLOCK $digits " . sha256_hex($digits . $payload) . "\n" . $payload;
}

my $client = open2(my $answers, my $statements, qw(mariadb --batch --skip-column-names --unbuffered shop));
$statements->autoflush(1);

sub ask {
  my ($sql) = @_;
  print $statements "$sql\n";
  my $answer = <$answers>;
  die "the database client has gone\n" unless defined $answer;
  chomp $answer;
  return $answer;
}

my $order = ask('SELECT COALESCE(MAX(id), 0) FROM orders;');
mkdir $files;
sysopen(my $appended, "$files/appended.log", O_WRONLY | O_CREAT | O_APPEND) or die "appended.log: $!\n";
sysopen(my $rewritten, "$files/rewritten.bin", O_RDWR | O_CREAT) or die "rewritten.bin: $!\n";
my $block = (-s $appended) / BLOCK_BYTES;

until ($is_over) {
  $order++;
  my $payload = random_text(200 + int rand 800);
  my $checksum = sha256_hex("$order:$payload");
  my $started = nanoseconds(CLOCK_BOOTTIME);
  my $answer = ask("START TRANSACTION; INSERT INTO orders VALUES ($order, '$payload', '$checksum'); COMMIT; SELECT $order;");
  die "order $order was answered with $answer\n" unless $answer == $order;
  note('order', $order, $started);

  if ($order % 5 == 0) {
    $block++;
    my $content = block($block);
    # The appended file has an end, so that a long test does not fill the volume; the other goes round for ever.
    if ($block <= APPEND_LIMIT) {
      $started = nanoseconds(CLOCK_BOOTTIME);
      syswrite($appended, $content) == BLOCK_BYTES or die "appended.log: $!\n";
      $appended->sync or die "appended.log: $!\n";
      note('append', $block, $started);
    }
    $started = nanoseconds(CLOCK_BOOTTIME);
    sysseek($rewritten, (($block - 1) % REWRITTEN_BLOCKS) * BLOCK_BYTES, 0);
    syswrite($rewritten, $content) == BLOCK_BYTES or die "rewritten.bin: $!\n";
    $rewritten->sync or die "rewritten.bin: $!\n";
    note('rewrite', $block, $started);
  }
  sleep($pause_ms / 1000) if $pause_ms > 0;
}
close $statements;
waitpid $client, 0;
