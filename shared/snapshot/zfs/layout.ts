/** How the pools of a host are made, and what was set on their datasets. A suspended pool would not answer. */
import type { LayoutPart } from '../layout-part.ts';

export const zfsLayout: LayoutPart = {
  script: `
pools=
for file in /proc/spl/kstat/zfs/*/state; do
  [ -r "$file" ] && read -r state < "$file" || continue
  pool=\${file%/state}; pool=\${pool##*/}
  case $state in ONLINE|DEGRADED) pools="$pools $pool" ;; *) sp_missing "zfs/$pool-status.txt" "an answer: the pool is $state" ;; esac
done
for pool in $pools; do
  sp_file "zfs/$pool-status.txt" zpool status -P "$pool"
  sp_file "zfs/$pool-devices.txt" zpool list -v -P "$pool"
  sp_file "zfs/$pool-properties.txt" zpool get -Hp all "$pool"
  sp_file "zfs/$pool-datasets.txt" zfs list -r -t filesystem,volume -o name,type,volsize,used,mountpoint,canmount "$pool"
  sp_file "zfs/$pool-settings.txt" zfs get -Hp -r -t filesystem,volume -s local,received -o name,property,value,source all "$pool"
done`,
  files: [
    { name: 'zfs/*-status.txt', about: 'a pool: its mirrors, raidz groups and devices' },
    { name: 'zfs/*-devices.txt', about: 'the same with sizes' },
    { name: 'zfs/*-properties.txt', about: 'the properties and features of the pool' },
    { name: 'zfs/*-datasets.txt', about: 'its datasets and volumes' },
    { name: 'zfs/*-settings.txt', about: 'what was set on them, and not inherited' },
  ],
  rebuild: `ZFS: "zpool create -o PROPERTY=VALUE… POOL LAYOUT" as zfs/POOL-status.txt shows it, with ashift and the features of
zfs/POOL-properties.txt; then "zfs create -o PROPERTY=VALUE… DATASET" for each of zfs/POOL-datasets.txt with what
zfs/POOL-settings.txt says of it; "zpool set bootfs=…" where it is among the properties.`,
};
