/**
 * The two clocks of a backup. A restore point is dated by ours, read while the snapshots are being made; what the host's
 * clock showed then is kept beside it, in our own field, because the times of files are that clock's.
 *
 * Which files the parent restore point still holds is judged by the host's clock alone: a file that was changed since
 * has another ctime, unless that clock showed the same instant twice. It does so when it is set back. How far it was set
 * back between two backups is seen by the uptime, which cannot be set, as long as the host was not restarted, and by our
 * own clock otherwise. So the times that may have come twice are known, and what bears one of them is read again.
 *
 * What is not seen is a clock that was set back and forth again between two backups. A file that was changed in both
 * passes then looks unchanged only if the two changes bear the same nanosecond, or the same second where a file system
 * keeps no more, such as ext4 with inodes of 128 bytes.
 */
import type { WallSpan } from '../../base/clock.ts';
import { type ClockSkew, clockSkew } from '../../domain/clock-skew.ts';
import { asRecord, ownFacts } from '../../domain/wholeness.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { isTimestamp, type Timestamp, timestampFromNs, timestampToNs } from '../../repository/timestamp.ts';
import type { Survey } from '../../snapshot/survey.ts';
import type { HostMoment } from './live-look.ts';

/** The instant of the snapshots, or of the first of several, or when a live reading began, on both clocks. */
export interface BackupInstant {
  /** On ours, and not later than the instant. */
  readonly time: Timestamp;
  readonly host: HostInstant;
}

export interface HostInstant {
  /** What the host's clock showed, not later than the instant; ns since 1970. */
  readonly timeNs: bigint;
  /** By how much it was ahead of ours then. */
  readonly skew: ClockSkew;
  readonly bootId: string;
  readonly uptimeSeconds: number;
}

const NS_IN_MS = 1_000_000n;
const NS_IN_S = 1_000_000_000n;
/** What /proc/uptime leaves open, read twice, and the time between reading it and the clock. */
const UPTIME_SLACK_MS = 100;

/**
 * @param moment of the first instant, or of the first look
 * @param creating between which times of our own clock that was
 */
export function instantOf(
  { wallClockNs: timeNs, beforeUptime: uptimeSeconds }: HostMoment,
  { identity, asked }: Pick<Survey, 'identity' | 'asked'>,
  creating: WallSpan,
): BackupInstant {
  // The host's uptime carries the moment of the survey on to that of the snapshot, whatever was done to its clock.
  const elapsedMs = (uptimeSeconds - identity.uptimeSeconds) * 1000;
  const hostMs = Number(timeNs / NS_IN_MS) - elapsedMs;
  const resolutionMs = timeNs % NS_IN_S === 0n ? 1000 : 1;
  const skew = clockSkew(
    { earliestMs: hostMs - UPTIME_SLACK_MS, latestMs: hostMs + resolutionMs + UPTIME_SLACK_MS },
    asked,
  );
  // Its word counts within what our own clock allows.
  const ms = Math.max(creating.earliestMs, Math.min(asked.earliestMs + elapsedMs, creating.latestMs));
  return {
    time: timestampFromNs(BigInt(Math.floor(ms)) * NS_IN_MS),
    host: {
      timeNs,
      skew: { leastMs: Math.floor(skew.leastMs), mostMs: Math.ceil(skew.mostMs) },
      bootId: identity.bootId,
      uptimeSeconds,
    },
  };
}

/** Stands in our own field of a restore point. */
export function clockFacts({ host }: BackupInstant): Record<string, unknown> {
  const { timeNs, skew, bootId, uptimeSeconds } = host;
  return { clock: { hostTime: timestampFromNs(timeNs), aheadMs: [skew.leastMs, skew.mostMs], bootId, uptimeSeconds } };
}

function readFacts(point: RestorePoint): HostInstant | undefined {
  const facts = asRecord(ownFacts(point)?.['clock']);
  const { hostTime, bootId, uptimeSeconds } = facts ?? {};
  const [leastMs, mostMs] = Array.isArray(facts?.['aheadMs']) ? (facts['aheadMs'] as readonly unknown[]) : [];
  if (typeof hostTime !== 'string' || !isTimestamp(hostTime) || typeof bootId !== 'string') return undefined;
  if (![uptimeSeconds, leastMs, mostMs].every(isNumber)) return undefined;
  return {
    timeNs: timestampToNs(hostTime),
    skew: { leastMs: Number(leastMs), mostMs: Number(mostMs) },
    bootId,
    uptimeSeconds: Number(uptimeSeconds),
  };
}

const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);

/**
 * The time of the host's clock before which a file that looks unchanged is unchanged since the parent. Undefined where
 * the parent does not say what the host's clock showed, because another program made or rewrote it: then all is read.
 */
export function believedBefore(parent: RestorePoint, now: HostInstant): bigint | undefined {
  const before = readFacts(parent);
  if (before === undefined) return undefined;
  return before.timeNs - BigInt(Math.ceil(Math.max(0, setBackMs(before, now)))) * NS_IN_MS;
}

/** By how much the host's clock fell behind, as an upper bound. */
function setBackMs(before: HostInstant, now: HostInstant): number {
  const uptimeMs = (now.uptimeSeconds - before.uptimeSeconds) * 1000;
  if (before.bootId !== now.bootId || uptimeMs < 0) return before.skew.mostMs - now.skew.leastMs;
  return uptimeMs - Number((now.timeNs - before.timeNs) / NS_IN_MS) + UPTIME_SLACK_MS;
}
