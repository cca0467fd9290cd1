/** What a reading of all trees of a run is about. */
import type { Clock } from '../../base/clock.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Node } from '../../repository/node.ts';
import type { ConfigMark } from '../../repository/repository.ts';
import type { ReadableSnapshot } from '../../snapshot/provider.ts';
import type { Layout } from '../layout/gather.ts';
import type { Preparation } from '../prepare.ts';
import type { RunJournal } from '../resume/run-journal.ts';
import type { BackupInstant } from './host-clock.ts';
import type { Patience } from './patience.ts';
import type { BackupRequest } from './request.ts';

export interface ReadContext {
  readonly request: BackupRequest;
  readonly host: RemoteHost;
  readonly patience: Patience | undefined;
  readonly configMark?: ConfigMark | undefined;
  readonly prepared: Preparation;
  readonly readable: readonly ReadableSnapshot[];
  readonly workFolder: string;
  /** Where it is kept from run to run which folders are as they were. */
  readonly rememberedFile?: string | undefined;
  readonly emit: EmitEvent;
  readonly clock: Clock;
  readonly instant: BackupInstant;
  /** What has come is noted there. */
  readonly journal?: RunJournal | undefined;
  /** Of a whole system: how its disks are laid out. */
  readonly layout: Layout | undefined;
  /** The folder of what programs of the host wrote out. */
  readonly dumps?: Node | undefined;
}
