# Lists everything in this guest that a backup could have left: one line each, kind TAB description.
# Judges by our naming (sp_..., stillpoint...) and, where a thing may carry no name, by what it is: a process that
# has outlived its ssh session. Written in Perl because each fork of a shell script costs 15 ms here.
use strict;
use warnings;

my $ours = qr/stillpoint|(?:^|[^A-Za-z0-9])sp[_-]|(?:^|[ ,])sp\./;
my %seen;

sub report {
  my ($kind, $text) = @_;
  $text =~ s/[\x00-\x1f]/ /g;
  print "$kind\t$text\n" unless $seen{"$kind\t$text"}++;
}

sub slurp {
  my ($path) = @_;
  open(my $file, '<', $path) or return '';
  local $/;
  my $content = <$file>;
  return defined $content ? $content : '';
}

sub lines_of {
  open(my $pipe, '-|', @_) or die "cannot run $_[0]: $!\n";
  my @lines = <$pipe>;
  close $pipe;
  chomp @lines;
  return @lines;
}

# Volumes and groups with our name or a tag of ours.
for (lines_of(qw(lvs -a -qq --noheadings --separator), "\t", '-o', 'vg_name,lv_name,lv_tags,lv_attr')) {
  s/^\s+//;
  my ($vg, $lv, $tags, $attr) = split /\t/, $_, -1;
  report('volume', "$vg/$lv tags=$tags attr=$attr") if $lv =~ $ours or $tags =~ $ours;
}
for (lines_of(qw(vgs -qq --noheadings --separator), "\t", '-o', 'vg_name,vg_tags')) {
  s/^\s+//;
  my ($vg, $tags) = split /\t/, $_, -1;
  report('volume', "group $vg tags=$tags") if $tags =~ $ours;
}

# Snapshots of ZFS with our name, where the kernel has ZFS.
if (-e '/proc/spl/kstat/zfs') {
  /$ours/ and report('volume', $_) for lines_of(qw(zfs list -H -t snapshot -o name));
}

# Device-mapper devices with our name, and suspended ones whoever made them.
my %our_device;
for (lines_of(qw(dmsetup info -c --noheadings --separator), "\t", '-o', 'name,suspended,major,minor')) {
  my ($name, $state, $major, $minor) = split /\t/, $_, -1;
  next unless defined $minor;
  $our_device{"$major:$minor"} = 1 if $name =~ $ours;
  report('device', $name) if $name =~ $ours;
  report('suspended', $name) if $state eq 'Suspended';
}

# Who I am and whom I descend from: not a trace.
my %mine;
for (my $pid = $$; $pid > 1; ) {
  $mine{$pid} = 1;
  $pid = slurp("/proc/$pid/status") =~ /^PPid:\t(\d+)/m ? $1 : 0;
}

my (%namespace_seen, %status);
opendir(my $proc, '/proc') or die "cannot list /proc: $!\n";
my @pids = grep { /^\d+$/ } readdir $proc;
$status{$_} = slurp("/proc/$_/status") for @pids;

sub command_of {
  my ($pid) = @_;
  my $command = slurp("/proc/$pid/cmdline");
  $command =~ s/\0+$//;
  return $command;
}

# A process that an ssh session started and that no longer hangs on one.
sub has_outlived_its_session {
  my ($pid) = @_;
  return 0 unless slurp("/proc/$pid/cgroup") =~ m{/ssh\.service};
  for (my $at = $pid; $at > 1; ) {
    return 0 if command_of($at) =~ /^sshd:/;
    $at = ($status{$at} // '') =~ /^PPid:\t(\d+)/m ? $1 : 0;
  }
  return 1;
}

for my $pid (@pids) {
  next if $mine{$pid};
  my $namespace = readlink("/proc/$pid/ns/mnt") // '';
  unless ($namespace_seen{$namespace}++) {
    for (split /\n/, slurp("/proc/$pid/mountinfo")) {
      my @field = split / /;
      my ($source) = / - \S+ (\S+)/;
      $source //= '';
      next unless $our_device{$field[2]} or $field[4] =~ $ours or $source =~ $ours;
      report('mount', "$field[4] from $source in $namespace of process $pid");
    }
  }
  my $command = command_of($pid);
  next if $command eq '';
  my $reason = '';
  $reason = 'named' if "$command " =~ $ours;
  if ($reason eq '') {
    my @links = map { readlink($_) // '' } "/proc/$pid/cwd", "/proc/$pid/exe", glob("/proc/$pid/fd/*");
    $reason = 'has a file of ours open' if grep { /stillpoint/ } @links;
  }
  $reason = 'outlived its ssh session' if $reason eq '' and has_outlived_its_session($pid);
  report('process', "$pid ($reason): $command") if $reason ne '';
}

my @places = map { ("$_/stillpoint*", "$_/.stillpoint*", "$_/sp_*") }
  qw(/run /run/lock /var/lib /var/cache /var/tmp /tmp /dev/shm /root /home/* /run/user/* /etc /mnt /media);
for my $place (map { glob $_ } @places) {
  report('file', $_) for lines_of('find', $place);
}

my @patterns = ('stillpoint*', 'sp-*', 'sp_*');
for (lines_of(qw(systemctl list-units --all --no-legend --plain --no-pager), @patterns)) {
  report('unit', (split)[0]);
}
for my $folder (qw(/run/systemd/transient /run/systemd/system /etc/systemd/system)) {
  report('unit', $_) for map { glob "$folder/$_" } @patterns;
}
