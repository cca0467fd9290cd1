# Tries to write to every writable file system and to the database, each in a process of its own, and says which
# writes came back within the given seconds: name TAB yes|no. A writer that hangs on a frozen file system cannot be
# killed; it is left behind and ends with the thaw.
use strict;
use warnings;
use POSIX qw(WNOHANG);
use Time::HiRes qw(time sleep);

my $seconds = shift @ARGV;
my @targets;
open(my $mounts, '<', '/proc/self/mounts') or die "cannot read mounts: $!\n";
while (<$mounts>) {
  my ($source, $point, $type, $options) = split / /;
  next unless $type =~ /^(?:ext4|xfs|btrfs)$/ and $options =~ /^rw/;
  push @targets, [$point, sub { write_to_folder($point) }];
}
push @targets, ['database', \&write_to_database] if -S '/run/mysqld/mysqld.sock';

sub write_to_folder {
  my ($folder) = @_;
  my $path = "$folder/.lab-write-$$";
  open(my $file, '>', $path) or return 0;
  print $file "written\n";
  close $file or return 0;
  return unlink($path) == 1;
}

sub write_to_database {
  my $statements = "SET SESSION lock_wait_timeout=$seconds; CREATE DATABASE lab_probe; "
    . 'CREATE TABLE lab_probe.writes (id INT PRIMARY KEY) ENGINE=InnoDB; '
    . 'INSERT INTO lab_probe.writes VALUES (1); DROP DATABASE lab_probe;';
  return system('mariadb', '-e', $statements) == 0;
}

my %running;
for my $target (@targets) {
  my ($name, $write) = @$target;
  my $pid = fork() // die "cannot fork: $!\n";
  if ($pid == 0) {
    # The ssh session ends only when nobody holds its output open.
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>', '/dev/null');
    open(STDERR, '>', '/dev/null');
    POSIX::_exit($write->() ? 0 : 1);
  }
  $running{$pid} = $name;
}
my $deadline = time + $seconds;
while (%running and time < $deadline) {
  while ((my $pid = waitpid(-1, WNOHANG)) > 0) {
    print delete $running{$pid}, "\t", ($? == 0 ? 'yes' : 'no'), "\n";
  }
  sleep 0.05;
}
print "$_\tno\n" for values %running;
