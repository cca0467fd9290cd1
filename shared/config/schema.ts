/**
 * The configuration file: what a user may write in it. This is the shape only; what names refer to and what paths mean
 * is looked at in `references.ts`, because the answers need the rest of the document.
 */
import { z } from 'zod';

const text = z.string().min(1);

export const hostSchema = z
  .strictObject({
    ssh: text
      .optional()
      .describe('The name that your OpenSSH configuration knows, or a DNS name. Default: the name of this entry.'),
    sshConfigFile: text.optional().describe('An OpenSSH configuration file to use instead of ~/.ssh/config.'),
    sudo: z
      .enum(['none', 'passwordless', 'password'])
      .optional()
      .describe(
        'How Stillpoint becomes root: "none" when it logs in as root, "passwordless" or "password" for sudo. Default: "none".',
      ),
    leaseSeconds: z
      .int()
      .min(5)
      .max(86_400)
      .optional()
      .describe(
        'After how many seconds without a word from us the host removes what we made on it, from 5 to 86400. Default: 1800.',
      ),
  })
  .describe('A machine that is reached by SSH. Hosts of your SSH configuration need not be written here.');

export const repositorySchema = z
  .strictObject({
    location: text.describe(
      'The folder of the repository: an absolute path, one beginning with ~/, or one relative to this file.',
    ),
    passwordFile: text.optional().describe('A file that holds the password of the repository and nothing else.'),
    passwordCommand: z
      .array(text)
      .min(1)
      .optional()
      .describe('A program and its arguments; what it prints is the password. No shell is involved.'),
  })
  .describe('Where restore points are kept. Without passwordFile and passwordCommand you are asked for the password.');

export const sourceSchema = z
  .strictObject({
    host: text.describe('A name from "hosts", or a name from your SSH configuration.'),
    paths: z.array(text).min(1).describe('The absolute paths on the host that are backed up.'),
    repository: text.describe('A name from "repositories".'),
    exclude: z.array(text).optional().describe('Patterns of paths to leave out.'),
  })
  .describe('What is backed up from where to where.');

export const configurationSchema = z.strictObject({
  $schema: z.string().optional().describe('The JSON Schema of this file, for editors.'),
  hosts: z.record(z.string(), hostSchema).optional().describe('Hosts by name.'),
  repositories: z.record(z.string(), repositorySchema).optional().describe('Repositories by name.'),
  sources: z.record(z.string(), sourceSchema).optional().describe('Sources by name.'),
});

/** For a host that says nothing of its own. */
export const DEFAULT_LEASE_SECONDS = 1800;

export type SourceEntry = z.infer<typeof sourceSchema>;

/** What `schema.json` holds. The extension gives that file to the editor. */
export function jsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(configurationSchema, { target: 'draft-7', io: 'input' });
  return { ...schema, title: 'Stillpoint configuration', allowComments: true, allowTrailingCommas: true };
}
