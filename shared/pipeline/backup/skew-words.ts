/** What is said of wrong clocks before and while a host is backed up, and where a person has to decide. */
import { StillpointError } from '../../base/errors.ts';
import { type ClockSkew, describeSkew, provenSkewMs } from '../../domain/clock-skew.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { timestampToNs } from '../../repository/timestamp.ts';
import type { BackupInstant } from './host-clock.ts';
import { parentName } from './parent.ts';
import type { BackupRequest } from './request.ts';

/** A warning, or `host.clock-skew` above the host's limit. */
export function tellSkew(skew: ClockSkew, request: BackupRequest, emit: EmitEvent): void {
  const { host, acceptClockSkew } = request;
  const message = describeSkew(host.name, skew);
  if (message === undefined) return;
  const isFar = Math.abs(provenSkewMs(skew)) > host.maxClockSkewSeconds * 1000;
  if (isFar && !acceptClockSkew) {
    throw new StillpointError('host.clock-skew', `${message} One of the two is wrong.`, {
      advice: `Set the clock that is wrong; restore points are dated by the one of this machine. ${onceAsItIs(request)}; to allow it always, raise "maxClockSkewSeconds" of the host in the configuration.`,
      details: { host: host.name, skewMs: provenSkewMs(skew), maxClockSkewSeconds: host.maxClockSkewSeconds },
      cause: undefined,
    });
  }
  const advice =
    'The restore point is dated by the clock of this machine; times of files are those of the host. Let both set their clocks by NTP.';
  emit({ type: 'warning', code: 'host.clock-skew', message, advice });
}

const onceAsItIs = ({ source, verb }: BackupRequest): string =>
  verb === undefined
    ? `To back up once as it is, run "stillpoint backup ${source.name} --accept-clock-skew"`
    : `To ${verb} once as it is, give the same command --accept-clock-skew`;

/** Where its clock was set between the survey and the snapshots. */
export function tellJump(before: ClockSkew, at: ClockSkew, request: BackupRequest, emit: EmitEvent): void {
  const jump = { leastMs: at.leastMs - before.mostMs, mostMs: at.mostMs - before.leastMs };
  if (describeSkew(request.host.name, jump) === undefined) return;
  emit({
    type: 'warning',
    code: 'host.clock-skew',
    message: `The clock of "${request.host.name}" was set while the backup began.`,
    advice: 'Files that may have been changed at a time that came twice are read again by the next backup.',
  });
  tellSkew(at, request, emit);
}

/** The parent was there before, so its time cannot be later than ours unless a clock is or was wrong. */
export function tellOrder(parent: RestorePoint | undefined, { time }: BackupInstant, emit: EmitEvent): void {
  if (parent === undefined) return;
  const aheadMs = Number((timestampToNs(parent.time) - timestampToNs(time)) / 1_000_000n);
  if (aheadMs < 1000) return;
  emit({
    type: 'warning',
    code: 'host.clock-skew',
    message: `There was ${parentName(parent)} before, which is dated ${parent.time}, and the clock of this machine now shows ${time}.`,
    advice: 'One of them was made while a clock was wrong. If it is that of this machine, set it before more is made.',
  });
}
