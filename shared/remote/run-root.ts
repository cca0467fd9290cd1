/** Where a host has what belongs to runs of ours, a folder for each: on a tmpfs, so all of it is gone after a restart. */
export const RUN_ROOT = '/run/stillpoint';
