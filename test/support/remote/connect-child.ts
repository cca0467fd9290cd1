/** Connects to the private sshd whose folder is its argument, starts a command, says so, and waits to be killed. */
import { never } from '../../../shared/base/cancel.ts';
import { connectHost } from '../../../shared/remote/connect-host.ts';
import { aCommand } from './commands.ts';
import { portsOf } from './people.ts';
import type { PrivateSshd } from './private-sshd.ts';

const folder = process.argv[2] ?? '';
const ports = portsOf({ folder } as PrivateSshd);
const address = { name: 'ann', ssh: 'ann', sshConfigFile: `${folder}/config`, sudo: 'none' } as const;
const host = await connectHost(address, ports, never);
process.stdout.write('connected\n');
await host.run(aCommand('sleep 60', { budgetMs: 120_000 }), never);
