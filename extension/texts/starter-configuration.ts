/** The configuration that a user starts from: valid as it is, with the rest as comments to take over. */
export const STARTER_CONFIGURATION = `// The configuration of Stillpoint. It holds no passwords.
{
  // Machines that are reached by SSH, under the names of your SSH configuration (~/.ssh/config).
  // "sudo" says how to become root there: "none" (the login is root, or does without), "passwordless" or "password".
  "hosts": {
    // "db1": { "ssh": "db1", "sudo": "passwordless" }
  },

  // Where restore points are kept. A repository is encrypted; without its password nobody can read it.
  // Give "passwordFile" or "passwordCommand", or leave both out to be asked.
  "repositories": {
    // "main": { "location": "~/backups/main", "passwordFile": "~/.config/stillpoint/main.password" }
  },

  // What to back up: paths on a host, into a repository.
  "sources": {
    // "shop": { "host": "db1", "paths": ["/var/lib/mysql", "/srv/files"], "repository": "main" }
  }
}
`;
