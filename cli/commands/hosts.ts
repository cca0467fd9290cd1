import type { Command } from 'commander';
import type { HostSummary } from '../../shared/domain/host.ts';
import { type Column, renderTable } from '../render/table.ts';
import type { Shell } from '../shell.ts';

const HOSTS: readonly Column<HostSummary>[] = [
  { title: 'HOST', cell: (host) => host.name },
  { title: 'FROM', cell: (host) => host.origin },
  { title: 'SOURCES', cell: (host) => host.sources.join(', ') || '-' },
];

/** How a host is reached is for programs of ours to compare, and changes its form. */
function withoutLogin(summary: HostSummary): Omit<HostSummary, 'login'> {
  const { login: _, ...host } = summary;
  return host;
}

/** `stillpoint hosts`: the hosts of the configuration and of the SSH configuration. Connects to none of them. */
export function addHosts(program: Command, shell: Shell): void {
  program
    .command('hosts')
    .description('list the hosts and their sources, without connecting to them')
    .addHelpText('after', '\nExample:\n  stillpoint hosts')
    .action(async () => {
      await shell.query(async (stillpoint, signal) => {
        const hosts = await stillpoint.listHosts(signal);
        return {
          document: { hosts: hosts.map(withoutLogin) },
          text: (paint) =>
            hosts.length === 0
              ? `No hosts: neither in "${stillpoint.configFile}" nor in the SSH configuration. "stillpoint setup HOST" begins with any name that ssh finds.\n`
              : renderTable(HOSTS, hosts, paint),
        };
      });
    });
}
