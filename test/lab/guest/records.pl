# A writer whose writes have a strict order over several files: record N is on disk before N + 1 is begun, and goes to
# the file that is N modulo 3. What is copied at one instant holds the records 1 to some N, and nothing else.
#
# Arguments: a journal outside of all that is backed up, milliseconds to wait after each record, and one folder, or several
# that take turns: the file N modulo 3 is in the folder of that number, modulo how many there are.
# Record, 96 bytes: "RECORD <16 digits of N> <64 hex digits>", padded with blanks to a newline; the digits are SHA-256 of
# the first folder and N. Journal line: N SPACE begun SPACE done, in nanoseconds since boot (the clock of /proc/uptime).
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use IO::Handle;
use Time::HiRes qw(clock_gettime sleep);

use constant CLOCK_BOOTTIME => 7;

my ($journal_path, $pause_ms, @folders) = @ARGV;
my $is_over = 0;
$SIG{TERM} = sub { $is_over = 1 };
open(my $journal, '>>', $journal_path) or die "cannot open $journal_path: $!\n";
$journal->autoflush(1);
my @files;
for my $name (0 .. 2) {
  my $path = $folders[$name % @folders] . "/records.$name";
  open($files[$name], '>>', $path) or die "cannot open $path: $!\n";
}
sub now { sprintf '%.0f', clock_gettime(CLOCK_BOOTTIME) * 1e9 }

for (my $number = 1; !$is_over; $number++) {
  my $digits = sprintf '%016d', $number;
  my $begun = now();
  my $file = $files[$number % 3];
  my $record = sprintf "%-95s\n", "RECORD $digits " . sha256_hex("$folders[0] $digits");
  defined(syswrite($file, $record)) or die "cannot write: $!\n";
  $file->sync or die "cannot sync: $!\n";
  print $journal "$number $begun " . now() . "\n";
  sleep($pause_ms / 1000);
}
