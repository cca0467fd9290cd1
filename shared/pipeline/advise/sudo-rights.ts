/** What sudo on a host lets the account do that we log in as, in sudo's own words; nothing is run by it. */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';

export interface SudoRights {
  readonly user: string;
  /** "unsaid": sudo wants a password before it says anything, which it also does of who may do nothing. */
  readonly may: 'no-sudo' | 'unsaid' | 'not-allowed' | 'with-password' | 'without-password';
}

const script: RemoteScript = {
  name: 'ask-sudo',
  script: `
id -un | tr '\\n' '\\0'
command -v sudo >/dev/null 2>&1 || { printf '127\\0\\0'; exit 0; }
said=$(sudo -n -l 2>&1 </dev/null); printf '%s\\0%s\\0' "$?" "$said"`,
  args: [],
  needs: 'user',
};

export const askSudo: RemoteCommand<SudoRights> = {
  ...script,
  budgetMs: 60_000,
  repeatable: true,
  parse: ({ stdout }) => {
    const text = stdout.toString('utf8');
    const [user = '', code = '', said = '', rest] = text.split('\0');
    if (rest !== '' || user === '' || !/^\d+$/.test(code))
      throw unreadableOutput(script, 'it is no answer of three', text);
    return { user, may: code === '127' ? 'no-sudo' : code === '0' ? rightsIn(said) : 'unsaid' };
  },
};

/** Lines of "    (root) NOPASSWD: /bin/sh -s, /usr/bin/less"; a later rule outranks an earlier one. */
function rightsIn(said: string): SudoRights['may'] {
  let may: SudoRights['may'] = 'not-allowed';
  for (const line of said.split('\n')) {
    const [, asWhom = '', rules = ''] = /^\s+\(([^)]*)\)\s+(.+)$/.exec(line) ?? [];
    if (!/(^|[\s,])(root|ALL)\b/.test(asWhom)) continue;
    const needsPassword = !/\bNOPASSWD:/.test(rules);
    const commands = rules.replace(/^(?:[A-Z_]+:\s*)*/, '').split(/,\s*/);
    if (commands.some((one) => /^(?:[A-Z_]+:\s*)*(?:ALL|\/bin\/sh(?: -s)?)$/.test(one.trim())))
      may = needsPassword ? 'with-password' : 'without-password';
  }
  return may;
}
