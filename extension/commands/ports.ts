/** What the commands work with; made once in `activate` and handed to each. */
import type { Core } from '../core.ts';
import type { JobsFeed } from '../jobs-feed.ts';
import type { Notifier } from '../notify.ts';
import type { PersonPrompter } from '../prompter.ts';
import type { RememberedSecrets } from '../secrets.ts';
import type { Wording } from '../texts/wording.ts';
import type { HostsTree } from '../tree/hosts-tree.ts';
import type { JobsTree } from '../tree/jobs-tree.ts';

export interface CommandPorts {
  readonly core: Core;
  readonly notify: Notifier;
  readonly wording: Wording;
  readonly prompter: PersonPrompter;
  readonly secrets: RememberedSecrets;
  readonly feed: JobsFeed;
  readonly hosts: HostsTree;
  readonly jobs: JobsTree;
}
