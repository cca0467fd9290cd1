/**
 * How LVM's programs are called on a host. An administrator's lvm.conf may decide what LVM does; it must not decide how
 * its answers look, because a report that is read wrongly is a snapshot that is never removed.
 *
 * Invariant: every setting that changes the form of a report or of a message is set here, and outranks lvm.conf,
 * lvmlocal.conf and any profile. Settings that say what may be done (filters, `volume_list`, test mode, locking,
 * archives) are the administrator's and are left alone; `limits.ts` reads those that forbid a snapshot.
 */

const PRESENTATION = {
  // A name that this version of LVM does not know must not end the command.
  config: 'checks=0 abort_on_errors=0',
  log: 'prefix="" command_names=0 verbose=0 level=0 indent=0 silent=1 report_command_log=0',
  report:
    'output_format="basic" headings=0 aligned=0 buffered=1 prefixes=0 quoted=0 columns_as_rows=0 separator="|" list_item_separator="," binary_values_as_numeric=0 compact_output=0 compact_output_cols="" mark_hidden_devices=0 two_word_unknown_device=0 lvs_sort="vg_name,lv_name" vgs_sort="vg_name"',
  // Waiting for a lock is bounded by our own limits of time.
  global: 'units="b" suffix=0 wait_for_locks=1',
} as const;

const CONFIG = Object.entries(PRESENTATION)
  .map(([section, settings]) => `${section}{${settings}}`)
  .join(' ');

/** sp_lvm SECONDS PROGRAM ARGUMENT…: one of LVM's programs; it never asks, and a hanging one is ended. */
export const LVM = `
sp_lvm() {
  sp_limit=$1 sp_program=$2; shift 2
  LVM_SUPPRESS_FD_WARNINGS=1 timeout "$sp_limit" "$sp_program" -qq --config '${CONFIG}' "$@" </dev/null
}`;

/**
 * sp_identity DM-NAME: prints the uuid of the logical volume behind a device, as LVM writes it; nothing where there is no
 * such device, or none of LVM's. The kernel's word, which takes no lock and is steered by no setting.
 */
export const IDENTITY = `
sp_identity() {
  dmsetup info -c --noheadings -o uuid "$1" 2>/dev/null </dev/null |
    sed -n 's/^LVM-[A-Za-z0-9]\\{32\\}\\([A-Za-z0-9]\\{6\\}\\)\\([A-Za-z0-9]\\{4\\}\\)\\([A-Za-z0-9]\\{4\\}\\)\\([A-Za-z0-9]\\{4\\}\\)\\([A-Za-z0-9]\\{4\\}\\)\\([A-Za-z0-9]\\{4\\}\\)\\([A-Za-z0-9]\\{6\\}\\)$/\\1-\\2-\\3-\\4-\\5-\\6-\\7/p'
}`;
