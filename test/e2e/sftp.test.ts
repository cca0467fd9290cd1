/** The command line with repositories on another host: every way to write the place, and restic on the same one. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installedUser } from '../support/installed-user.ts';
import { whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { type SftpHost, startSftpHost } from '../support/remote/sftp-host.ts';

const whyNot = await whyNoPrivateSshd();
const signalOf = (): AbortSignal => AbortSignal.timeout(100_000);

describe('a repository over SFTP', () => {
  let host: SftpHost;
  beforeAll(async () => {
    if (whyNot === undefined) host = await startSftpHost();
  });
  afterAll(async () => {
    if (whyNot === undefined) await host[Symbol.asyncDispose]();
  });
  beforeEach(({ skip }) => {
    if (whyNot !== undefined) skip(whyNot);
  });

  test('init makes it, check and list read it, and a wrong place is said with its exit code', async () => {
    await using user = await installedUser();
    const sshConfigFile = join(host.sshd.folder, 'config');
    const passwordFile = join(user.home, 'password');
    const at = (location: string) => ({ location, passwordFile });
    await user.configure({
      hosts: { vault: { ssh: 'ann', sshConfigFile }, jail: { sshConfigFile }, shut: { sshConfigFile } },
      repositories: {
        relative: at('sftp:vault:relative'),
        absolute: at(`sftp://ann@vault:${host.sshd.port}/${join(host.home, 'relative')}`),
        jailed: { ...at('sftp:jail@jail:/store/jailed'), connections: 2, limitUploadKiB: 4096, limitDownloadKiB: 4096 },
        forbidden: at('sftp:jail:/forbidden'),
        nobody: at('sftp:nobody-here@vault:relative'),
      },
    });
    const { id } = (await user.ask(['init', 'relative'], signalOf())) as { id: string };
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    // The same folder by another name.
    expect(await user.run(['init', 'absolute'], signalOf())).toMatchObject({ exitCode: 6 });
    expect(await user.run(['check', 'absolute'], signalOf())).toMatchObject({ exitCode: 0, stderr: '' });
    await user.ask(['init', 'jailed'], signalOf());
    expect(await user.run(['check', 'jailed'], signalOf())).toMatchObject({ exitCode: 0, stderr: '' });
    const forbidden = await user.run(['init', 'forbidden'], signalOf());
    expect(forbidden.stderr).toMatch(/could not be made in sftp:jail:\/forbidden: access is refused/);
    expect(forbidden.stderr).toContain('[backend.denied]');
    expect(forbidden.exitCode).toBe(6);
    expect(await user.run(['list', '--repository', 'nobody'], signalOf())).toMatchObject({ exitCode: 4 });
  });
});
