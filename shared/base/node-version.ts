/** The oldest Node that has what we are written with: zstd, and disposal of resources. */
const OLDEST = 24;

/** The message for a user who runs an older one; undefined where the version is recent enough. */
export function nodeTooOld(version: string): string | undefined {
  const major = Number.parseInt(version.replace(/^v/, ''), 10);
  if (major >= OLDEST) return undefined;
  return `Stillpoint needs Node ${OLDEST} or newer, and this is ${version}.\nInstall a newer Node, or start Stillpoint with one: /path/to/node "$(command -v stillpoint)"\n`;
}
