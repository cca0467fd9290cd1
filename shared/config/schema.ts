/**
 * The configuration file: what a user may write in it. This is the shape only; what names refer to and what paths mean
 * is looked at in `references.ts`, because the answers need the rest of the document.
 */
import { z } from 'zod';
import { CONSISTENCY_LEVELS } from '../domain/consistency.ts';
import { dumpsSchema } from './dumps.ts';
import { keepSchema } from './keep.ts';
import { quiesceSchema } from './quiesce.ts';

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
        'How Stillpoint becomes root: "none" when it logs in as root or does without, "passwordless" or "password" for sudo. Default: "none".',
      ),
    leaseSeconds: z
      .int()
      .min(5)
      .max(86_400)
      .optional()
      .describe(
        'After how many seconds without a word from us the host removes what we made on it; so long a lost connection is waited for. From 5 to 86400. Default: 1800.',
      ),
    maxClockSkewSeconds: z
      .int()
      .min(1)
      .max(1e9)
      .optional()
      .describe(
        "By how many seconds the host's clock may differ from the clock of this machine before a backup is refused until a person has looked. Default: 86400, a day.",
      ),
    waitSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .optional()
      .describe(
        'For how many seconds a backup waits at most when another run, of whichever client, holds on this host what it needs: a database, a service, the storage of snapshots. From 0 to 86400. Default: 600.',
      ),
  })
  .describe('A machine that is reached by SSH. Hosts of your SSH configuration need not be written here.');

const command = z.array(text).min(1);
const kibibytes = z.int().min(1).max(1e9);

export const s3Schema = z
  .strictObject({
    region: text.optional().describe('The region of the store. Default: "us-east-1", which most stores accept.'),
    bucketLookup: z
      .enum(['auto', 'path', 'dns'])
      .optional()
      .describe(
        'Where the name of the bucket goes: "path" after the host, "dns" before it, "auto" (the default): "dns" for Amazon, "path" for others.',
      ),
    accessKeyId: text
      .optional()
      .describe('The id of the access key. Without it, keys are taken from where the AWS tools keep them.'),
    secretKeyFile: text.optional().describe('A file that holds the secret key and nothing else.'),
    secretKeyCommand: command
      .optional()
      .describe('A program and its arguments; what it prints is the secret key. No shell is involved.'),
    profile: text.optional().describe('The profile of your AWS configuration whose keys are used.'),
  })
  .describe('How an S3 store is reached.');

export const restSchema = z
  .strictObject({
    user: text.optional().describe('The user of the REST server.'),
    passwordFile: text.optional().describe("A file of this machine that holds the user's password and nothing else."),
    passwordCommand: command
      .optional()
      .describe("A program and its arguments; what it prints is the user's password. No shell is involved."),
  })
  .describe('How a REST server is reached.');

export const repositorySchema = z
  .strictObject({
    location: text.describe(
      'Where the repository is: a folder (absolute, beginning with ~/, or relative to this file), or a location in the syntax of restic beginning with "sftp:", "s3:" or "rest:".',
    ),
    passwordFile: text
      .optional()
      .describe('A file of this machine that holds the password of the repository and nothing else.'),
    passwordCommand: command
      .optional()
      .describe('A program and its arguments; what it prints is the password. No shell is involved.'),
    limitUploadKiB: kibibytes.optional().describe('How many KiB a second may be sent at most.'),
    limitDownloadKiB: kibibytes.optional().describe('How many KiB a second may be fetched at most.'),
    connections: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe('How many connections are used at once, from 1 to 64. Default: 2 for a folder, 5 for other locations.'),
    cacheMiB: z
      .int()
      .min(0)
      .max(1e6)
      .optional()
      .describe(
        'How many MiB of indexes and folders of a remote repository are cached on this machine. Default: 1024; 0 for none.',
      ),
    caCertificateFile: text
      .optional()
      .describe('A file with certificates in PEM that are trusted beside those of the system.'),
    s3: s3Schema.optional(),
    rest: restSchema.optional(),
  })
  .describe('Where restore points are kept. Without passwordFile and passwordCommand you are asked for the password.');

export const sourceSchema = z
  .strictObject({
    host: text.describe('A name from "hosts", or a name from your SSH configuration.'),
    paths: z
      .array(text)
      .min(1)
      .optional()
      .describe(
        'The absolute paths on the host that are backed up. Each source has these, "devices", "dumps" or "system".',
      ),
    system: z
      .boolean()
      .optional()
      .describe(
        'Whether the whole system is backed up, instead of "paths": "/" with all local file systems, /boot and the EFI partition, and the layout of the disks as files. Default: false.',
      ),
    devices: z
      .array(text)
      .min(1)
      .optional()
      .describe(
        'Block devices on the host, such as "/dev/data/vm", that are saved as images of their bytes, from a snapshot; beside "paths" or alone.',
      ),
    dumps: dumpsSchema.optional(),
    repository: text.describe('A name from "repositories".'),
    exclude: z.array(text).optional().describe('Patterns of paths to leave out.'),
    excludeFiles: z
      .array(text)
      .optional()
      .describe(
        'Files of this machine with such patterns, one a line; blank lines and those that begin with "#" do not count.',
      ),
    excludeCaches: z
      .boolean()
      .optional()
      .describe('Whether to leave out what is in folders that a CACHEDIR.TAG marks as caches. Default: false.'),
    excludeIfPresent: z
      .array(text)
      .optional()
      .describe('Names, such as ".nobackup": what is in a folder that has one of these in it is left out.'),
    excludeLargerThan: text
      .optional()
      .describe('Leave out files that are larger, such as "500M"; K, M, G and T count in 1024.'),
    oneFileSystem: z
      .boolean()
      .optional()
      .describe('Whether to leave out other file systems and volumes below the paths. Default: false.'),
    stop: z
      .array(text)
      .optional()
      .describe(
        'Services of the host that are stopped while the snapshots are made, or until all is read where a part has none, and then started again; in this order, named as for "systemctl stop"; "compose:PROJECT" is a project of docker compose, "container:NAME" a container.',
      ),
    quiesce: quiesceSchema.optional(),
    require: z
      .enum(CONSISTENCY_LEVELS)
      .optional()
      .describe(
        'The weakest consistency with which a backup of it may end; one that is weaker fails. Default: what its plan foresees.',
      ),
    withoutSnapshot: z
      .enum(['refuse', 'read-live'])
      .optional()
      .describe(
        'What is done with what no snapshot can hold: "refuse" the backup, or "read-live": read files while they may be changing; those that do are named, and the restore point is called fuzzy. Default: "refuse".',
      ),
    keep: keepSchema.optional(),
  })
  .describe('What is backed up from where to where.');

export const assistantsSchema = z
  .strictObject({
    sshHosts: z
      .boolean()
      .optional()
      .describe(
        'Whether assistants may also log in to hosts that only your SSH configuration knows. Default: false, only to those of "hosts" and "sources".',
      ),
  })
  .describe('What AI assistants may do.');

export const configurationSchema = z.strictObject({
  $schema: z.string().optional().describe('The JSON Schema of this file, for editors.'),
  hosts: z.record(z.string(), hostSchema).optional().describe('Hosts by name.'),
  repositories: z.record(z.string(), repositorySchema).optional().describe('Repositories by name.'),
  sources: z.record(z.string(), sourceSchema).optional().describe('Sources by name.'),
  assistants: assistantsSchema.optional(),
});

/** For a host that says nothing of its own. */
export const DEFAULT_LEASE_SECONDS = 1800;

export type RepositoryEntry = z.infer<typeof repositorySchema>;
export type SourceEntry = z.infer<typeof sourceSchema>;

/** What `schema.json` holds. The extension gives that file to the editor. */
export function jsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(configurationSchema, { target: 'draft-7', io: 'input' });
  return { ...schema, title: 'Stillpoint configuration', allowComments: true, allowTrailingCommas: true };
}
