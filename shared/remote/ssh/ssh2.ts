/** The one import of the values of ssh2: a CommonJS module whose names Node does not find by itself. */
import ssh2 from 'ssh2';

export const { BaseAgent, Client, OpenSSHAgent } = ssh2;
export const { parseKey } = ssh2.utils;
