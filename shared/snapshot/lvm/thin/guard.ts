/** What the watchman does with a thin snapshot: it goes before the pool that it shares with its origin is full. */
import { METADATA_BLOCK_BYTES, WHILE } from './gates.ts';

/**
 * sp_lvm_guard_thin DM-NAME POOL-DM-NAME POOL CHUNK: POOL is "<vg>/<lv>", CHUNK the bytes of a block of its data. Status is
 * asked for without a flush, which would make the pool write its metadata each time.
 */
export const THIN_GUARD = `
sp_lvm_thin_status() { timeout 20 dmsetup status --noflush "$1" 2>/dev/null </dev/null; }
sp_lvm_guard_thin() {
  sp_pool=$3 sp_chunk=$4
  case $(sp_lvm_thin_status "$1") in
    *' thin '[0-9]*) ;;
    *' thin Fail'*|*' thin Error'*) echo "threat $sp_pool failed 0 0"; return 0 ;;
    *) echo gone; return 0 ;;
  esac
  # 0 LENGTH thin-pool TRANSACTION USED/TOTAL USED/TOTAL HELD MODE …: blocks of metadata, then of data.
  set -- $(sp_lvm_thin_status "$2")
  case \${3:-}:\${4:-} in thin-pool:*[0-9]) ;; thin-pool:*) echo "threat $sp_pool failed 0 0"; return 0 ;; *) echo gone; return 0 ;; esac
  case \${5:-}/\${6:-} in *[!0-9/]*|/*|*//*|*/|*/*/*/*/*) echo gone; return 0 ;; */*/*/*) ;; *) echo gone; return 0 ;; esac
  sp_meta=\${5%/*} sp_metas=\${5#*/} sp_data=\${6%/*} sp_datas=\${6#*/}
  if [ $((sp_data * 100)) -ge $((sp_datas * ${WHILE.data})) ]; then
    echo "threat $sp_pool data $((sp_data * sp_chunk)) $((sp_datas * sp_chunk))"
  elif [ $((sp_meta * 100)) -ge $((sp_metas * ${WHILE.metadata})) ]; then
    echo "threat $sp_pool metadata $((sp_meta * ${METADATA_BLOCK_BYTES})) $((sp_metas * ${METADATA_BLOCK_BYTES}))"
  else
    case " $* " in
      *' ro '*) echo "threat $sp_pool read-only 0 0" ;;
      *' needs_check '*) echo "threat $sp_pool needs-check 0 0" ;;
      *)
        # Of the two the one that is nearer to its limit.
        if [ $((sp_meta * sp_datas * ${WHILE.data})) -gt $((sp_data * sp_metas * ${WHILE.metadata})) ]; then
          echo "fine $sp_pool metadata $((sp_meta * ${METADATA_BLOCK_BYTES})) $((sp_metas * ${METADATA_BLOCK_BYTES} * ${WHILE.metadata} / 100))"
        else
          echo "fine $sp_pool data $((sp_data * sp_chunk)) $((sp_datas * sp_chunk * ${WHILE.data} / 100))"
        fi ;;
    esac
  fi
}`;
