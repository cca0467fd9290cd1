/** Turns of runs on one host: who has one, for how long, and that no two have one. */
import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { newRunId, type RunId } from '../../../shared/domain/names.ts';
import { type SectionAnswer, takeSnapshots } from '../../../shared/snapshot/critical-section.ts';
import { lookForTurns, type SectionTurn } from '../../../shared/snapshot/host/turns.ts';
import { createSnapshot } from '../../../shared/snapshot/lvm/thick/create.ts';
import type { PaperHost } from '../../support/snapshot/paper-lvm.ts';
import { other, owner, type PaperRun, scripts } from './paper-run.ts';

const turn = (name: string, lasts: SectionTurn['lasts'] = 'section'): SectionTurn => ({
  ...{ name, label: `what is called ${name}`, lasts },
});

export function judgeTurns({ order, ...lab }: PaperRun): void {
  let paper: PaperHost;
  let run: RunId;
  beforeEach(() => {
    paper = lab.paper();
    run = lab.run();
  });

  /** A run's folder without a watchman, whose lease lives on for so long. */
  const put = (of: RunId, files = '', leaseSeconds = 600): Promise<string> =>
    paper.sh(`mkdir -p -m 700 /run/stillpoint/${of}; cd /run/stillpoint/${of}
read -r up idle < /proc/uptime; up=\${up%%.*}
echo $((up + ${leaseSeconds})) > expires; cat /proc/sys/kernel/random/boot_id > boot; echo ${other} > owner
: > planned; : > snapshots
${files}`);
  const take = (of: RunId, turns: readonly SectionTurn[], makes = false): Promise<SectionAnswer> => {
    const identity = { run: of, owner };
    const creates = makes ? [createSnapshot(identity, { ...order(), name: `sp_${of}_11111111` })] : [];
    return paper.host.run(takeSnapshots({ ...identity, holds: [], creates, turns }, scripts), never);
  };
  const turnsOf = (of: RunId): Promise<string> => paper.sh(`cat /run/stillpoint/${of}/turns 2>/dev/null || echo none`);

  test('of many at the very same time each has its turn alone', async () => {
    await paper.before(
      'lvcreate',
      `mkdir /run/alone 2>/dev/null && sleep 0.03 2>/dev/null; rmdir /run/alone || : > /run/met`,
    );
    const rounds = lab.shell === 'dash' ? 20 : 5;
    for (let round = 0; round < rounds; round += 1) {
      const runs = Array.from({ length: 4 }, newRunId);
      for (const each of runs) await put(each);
      const wanted = [[turn('a'), turn('group:vg0')], [turn('group:vg0')], [turn('group:vg0'), turn('z')]];
      await Promise.all(
        runs.map(async (each, index) => {
          for (;;) {
            const answer = await take(each, wanted[index % 3] ?? [], true);
            if ('result' in answer) return;
            expect(answer).toHaveProperty('taken');
            await wait(20);
          }
        }),
      );
      expect(await paper.volumes()).toHaveLength(runs.length * (round + 1));
      await paper.sh(`[ ! -e /run/met ]; cd /run/stillpoint; rm -r ${runs.join(' ')}`);
    }
  });

  test('who is told of one hears whose it is and since when, with nothing in it that acts', async () => {
    const first = newRunId();
    await put(first, `echo "- $((up - 90)) service:shop" > turns; printf 'ada\\033[31m@lap"top\\n\\nx' > who`);
    await put(run);
    const answer = await take(run, [turn('a'), turn('service:shop')]);
    expect(answer).toMatchObject({
      taken: { what: 'what is called service:shop', run: first, by: String.raw`ada\x1b[31m@lap"topx` },
    });
    const { heldMs } = 'taken' in answer ? answer.taken : { heldMs: 0 };
    expect(heldMs).toBeGreaterThanOrEqual(90_000);
    expect(heldMs).toBeLessThan(120_000);
    // All of them, or none.
    expect(await turnsOf(run)).toBe('none');
  });

  test('are told before one begins, and nothing is taken by that', async () => {
    const first = newRunId();
    const wanted = [turn('a'), turn('b'), turn('c')];
    const look = () => paper.host.run(lookForTurns(wanted), never);
    expect(await look()).toEqual([]);
    await put(first, `echo "- $up a" > turns; echo "- $up c" >> turns; echo ada@laptop > who`);
    await put(run);
    const of = { run: first, by: 'ada@laptop', heldMs: expect.any(Number) as unknown };
    expect(await look()).toEqual([
      { what: 'what is called a', ...of },
      { what: 'what is called c', ...of },
    ]);
    expect(await turnsOf(run)).toBe('none');
    await paper.sh('chmod 777 /run/stillpoint');
    expect(await look()).toEqual([]);
  });

  test.each([
    ['of a run that lives', '- $up service:shop', '', 600, true],
    ['of a run whose lease is over and whose watchman is dead', '- $up service:shop', '', -5, false],
    ['of a run whose section is dead, until it would be over', '$((up + 60)) $up service:shop', '', -5, true],
    ['that was left', '$up $up service:shop', '', 600, false],
    ['of another boot', '- $up service:shop', 'echo another > boot', 600, false],
    ['of a run without a boot', '- $up service:shop', 'rm boot', 600, false],
    ['with another name that begins alike', '- $up service:shops', '', 600, false],
    ['that is no line of ours', 'x y service:shop', '', 600, false],
  ])('one %s', async (_, line, more, leaseSeconds, isTaken) => {
    await put(newRunId(), `echo "${line}" > turns; ${more}`, leaseSeconds);
    await put(run);
    expect('taken' in (await take(run, [turn('service:shop')]))).toBe(isTaken);
  });

  test('ends with the section, or is kept until the run lets go', async () => {
    await put(run);
    await take(run, [turn('a'), turn('b', 'run')]);
    const [section, whole] = (await turnsOf(run)).split('\n');
    expect(section).toMatch(/^(\d+) \d+ a$/);
    expect(whole).toMatch(/^- \d+ b$/);
    const second = newRunId();
    await put(second);
    expect('taken' in (await take(second, [turn('a')]))).toBe(false);
    expect('taken' in (await take(second, [turn('b')]))).toBe(true);
  });

  test('is left where a part fails', async () => {
    await put(run);
    await paper.fail('lvcreate', 9);
    expect(await take(run, [turn('group:vg0'), turn('b', 'run')], true)).toHaveProperty('failed');
    const second = newRunId();
    await put(second);
    expect('taken' in (await take(second, [turn('group:vg0'), turn('b')]))).toBe(false);
  });

  test('is not waited for behind one that is killed while it takes its own', async () => {
    await put(run);
    await paper.sh(
      `flock /run/stillpoint sleep 300 </dev/null >/dev/null 2>&1 & sleep 0.3; kill -KILL $!; pkill -KILL -f '^sleep 300'`,
    );
    expect('taken' in (await take(run, [turn('a')]))).toBe(false);
  });

  test('room that another run has taken meanwhile is not planned with', async () => {
    await put(newRunId(), 'echo "$up $up group:vg0" > turns');
    await put(run);
    const made = async () => {
      const identity = { run, owner };
      const creates = [createSnapshot(identity, { ...order(), extents: 64, leastExtents: 16 })];
      const section = { ...identity, holds: [], creates, turns: [turn('group:vg0')] };
      const answer = await paper.host.run(takeSnapshots(section, scripts), never);
      return 'result' in answer ? answer.result.made[0]?.own : answer;
    };
    await paper.setFree(60);
    expect(await made()).toMatchObject({ sizeBytes: 30 * 4_194_304 });
    await paper.setFree(17);
    expect(await made()).toMatchObject({
      failed: { stderr: expect.stringContaining('insufficient free space') as unknown },
    });
    await paper.setFree(1000);
    expect(await made()).toMatchObject({ sizeBytes: 64 * 4_194_304 });
  });
}
