/** Arguments that several tools take. Everything is a name or an id; no tool takes a command, an address or a secret. */
import { z } from 'zod';

export const hostInput = z.string().max(128).describe('Name of a host, as list_hosts shows it.');
export const sourceInput = z.string().max(128).describe('Name of a source, as list_hosts shows it.');
export const repositoryInput = z.string().max(128).describe('Name of a repository in the configuration.');
