/** A certificate for 127.0.0.1 that is its own authority, as people make them for a server at home. */
import { join } from 'node:path';
import { execa } from 'execa';

export interface OwnCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export async function ownCertificate(folder: string): Promise<OwnCertificate> {
  const certificateFile = join(folder, 'own.pem');
  const keyFile = join(folder, 'own.key');
  const args = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=store';
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', certificateFile];
  await execa('openssl', ['req', ...args.split(' '), ...names]);
  return { certificateFile, keyFile };
}
