/** What ends mean, for each verb, from the events of its run. */
import { describe, expect, test } from 'vitest';
import { consequencesOf } from '../../../shared/domain/consequences.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { answered, foldFacts, unanswered } from '../../../shared/domain/fold-facts.ts';
import { hostName, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { NO_FACTS, type TargetState } from '../../../shared/domain/run-facts.ts';
import type { JobRequest } from '../../../shared/domain/verbs/verbs.ts';

const MAIN = repositoryName('main');
const ID = 'ab'.repeat(32);
const FILTER = { sources: [], hostnames: [], tags: [], paths: [] };

const REQUESTS = {
  backup: { kind: 'backup', source: sourceName('shop') },
  export: { kind: 'export', source: sourceName('shop'), to: { kind: 'archive', file: '/to' } },
  restore: { kind: 'restore', repository: MAIN, restorePoint: ID, paths: [], target: '/to' },
  'restore over what is there': {
    ...{ kind: 'restore', repository: MAIN, restorePoint: ID, paths: [], target: '/to' },
    overwrite: 'older',
  },
  check: { kind: 'check', repository: MAIN },
  copy: { kind: 'copy', from: repositoryName('other'), to: MAIN, restorePoints: [], filter: FILTER },
  forget: { kind: 'forget', repository: MAIN, selection: { by: 'points', points: [ID] } },
  prune: { kind: 'prune', repository: MAIN, options: { maxUnused: '5%' } },
  repair: { kind: 'repair', repository: MAIN, scope: { part: 'packs' }, apply: true },
  sweep: { kind: 'sweep', host: hostName('db1') },
} as const satisfies Record<string, JobRequest>;

const saved: RunEventBody = { type: 'restore-point-saved', repository: 'main', restorePoint: ID };
const removed: RunEventBody = { type: 'restore-point-removed', repository: 'main', restorePoint: ID };
const unsure: RunEventBody = { type: 'store-unsure', repository: 'main', what: 'restore point abababab was removed' };
const packs = (packsSaved: number, packsRemoved = 0): RunEventBody => ({
  type: 'store-changed',
  ...{ repository: 'main', packsSaved, packsRemoved, indexesSaved: 1, indexesRemoved: 0, filesUnsure: 0 },
});
const swept = (...names: string[]): RunEventBody[] => [
  { type: 'host-sweeping', host: 'db1' },
  { type: 'host-swept', host: 'db1', removed: names },
];
const arming: RunEventBody = { type: 'lease-arming', host: 'db1', run: '0a1b2c3d' };
const snapshot: RunEventBody = {
  type: 'snapshot-created',
  ...{ volume: 'vg0/a', snapshot: 'sp_0a1b2c3d_11111111', freezeMs: 1, sizeBytes: 1 },
};
const released: RunEventBody = { type: 'lease-released', host: 'db1', run: '0a1b2c3d' };
const failed: RunEventBody = {
  type: 'cleanup-failed',
  what: 'releasing run 0a1b2c3d on db1',
  error: { code: 'snapshot.busy', message: 'm', advice: 'a', details: {} },
};
const target = (state: TargetState): RunEventBody => ({
  type: 'target-changed',
  ...{ path: '/to', work: '/to/.work', state },
});
const progress: RunEventBody = {
  type: 'progress',
  ...{ phase: 'restore', filesDone: 3, filesTotal: 9, bytesDone: 2048, bytesTotal: undefined },
};

describe.each<[keyof typeof REQUESTS, [string, RunEventBody[], string[]][]]>([
  [
    'backup',
    [
      ['before anything', [], ['No restore point was saved.']],
      ['in preflight', swept(), ['No restore point was saved.', 'Nothing was changed on "db1".']],
      [
        'in the sweep',
        [{ type: 'host-sweeping', host: 'db1' }],
        [
          'No restore point was saved.',
          'It is unknown what of earlier runs was removed from "db1"; the next job there looks.',
        ],
      ],
      [
        'in preflight, after a sweep',
        swept('vg0/sp_1'),
        ['No restore point was saved.', 'It had removed what earlier runs left on "db1": vg0/sp_1.'],
      ],
      [
        'while arming, and released',
        [...swept(), arming, released],
        ['No restore point was saved.', 'Nothing of the run is left on "db1".'],
      ],
      [
        'while reading',
        [...swept(), arming, snapshot, packs(2), released],
        [
          'No restore point was saved.',
          'What it had stored (2 packs) stays in the repository until a prune.',
          'Its snapshot on "db1" was removed.',
        ],
      ],
      [
        'while reading, with what cannot be removed',
        [...swept(), arming, snapshot, snapshot, failed],
        [
          'No restore point was saved.',
          'Something of the run 0a1b2c3d may be left on "db1"; its watchman there, and the next job, try to remove it.',
        ],
      ],
      [
        'by a death in the middle',
        [...swept(), arming, snapshot],
        [
          'No restore point was saved.',
          'What the run 0a1b2c3d made on "db1" is removed by the next job there, or when its lease ends.',
        ],
      ],
      [
        'by a death after the commit',
        [...swept(), arming, snapshot, packs(1), saved],
        [
          'The restore point abababab is saved.',
          'What the run 0a1b2c3d made on "db1" is removed by the next job there, or when its lease ends.',
        ],
      ],
    ],
  ],
  [
    'export',
    [
      ['before anything', [], ['Nothing was written.']],
      [
        'killed in the middle',
        [...swept(), arming, snapshot, target('filling')],
        [
          'Nothing is at "/to" of this run; what came lies in "/to/.work", does not count, and can be removed.',
          'What the run 0a1b2c3d made on "db1" is removed by the next job there, or when its lease ends.',
        ],
      ],
      [
        'failed in the middle',
        [...swept(), arming, snapshot, target('filling'), released, target('dropped')],
        [
          'Nothing is at "/to" of this run, and what came before that was removed.',
          'Its snapshot on "db1" was removed.',
        ],
      ],
      [
        'while it gets its name',
        [target('filling'), target('moving')],
        ['It was about to be put at "/to": look whether it is there; what is in "/to/.work" does not count.'],
      ],
      ['at the very end', [target('filling'), target('moving'), target('filled')], ['"/to" is there and whole.']],
    ],
  ],
  [
    'restore over what is there',
    [
      ['before anything', [], ['Nothing was written.']],
      [
        'in the middle',
        [target('filling'), progress],
        ['What was there in "/to" is as it was. The next restore over what is there removes "/to/.work".'],
      ],
      ['refused or failed', [target('filling'), target('dropped')], ['Nothing of it is in "/to".']],
      [
        'while moving',
        [target('filling'), target('moving')],
        [
          'In "/to" each file is the old one or the restored one, whole; how far it came is not known. The next restore over what is there removes "/to/.work".',
        ],
      ],
      [
        'at the end',
        [target('filling'), target('moving'), target('filled')],
        ['All that came is at its place in "/to".'],
      ],
    ],
  ],
  [
    'restore',
    [
      ['before anything', [], ['Nothing was written.']],
      [
        'in the middle',
        [target('filling'), progress],
        [
          'What came before that (3 files, 2.0 KiB) lies in "/to/.work" and nothing is at its place; remove that folder before you restore there again.',
        ],
      ],
      [
        'while moving',
        [target('filling'), progress, target('moving')],
        ['Of what came, some may be at its place in "/to", and the rest in "/to/.work".'],
      ],
      ['at the end', [target('filling'), target('filled')], ['All that came is at its place in "/to".']],
    ],
  ],
  ['check', [['anywhere', [], ['It changed nothing.']]]],
  [
    'copy',
    [
      ['before anything', [], ['No restore point was copied to "main".']],
      [
        'in the first group',
        [packs(1)],
        ['No restore point was copied to "main".', 'What it had stored (1 pack) stays there until a prune.'],
      ],
      [
        'in the second group',
        [packs(1), saved, saved],
        ['2 restore points were copied to "main" before that; copying again continues from there.'],
      ],
    ],
  ],
  [
    'forget',
    [
      ['before anything', [], ['No restore point was forgotten.']],
      ['in the middle', [removed], ['1 restore point was forgotten before that: abababab.']],
      [
        'with an answer that was lost',
        [removed, unsure],
        [
          '1 restore point was forgotten before that: abababab.',
          'It is unknown whether restore point abababab was removed; list the restore points to see.',
        ],
      ],
      [
        'in its prune',
        [removed, packs(1, 2)],
        [
          '1 restore point was forgotten before that: abababab.',
          'It had written 1 pack and 1 index file, and removed 2 packs and 0 index files. The next prune continues from there.',
        ],
      ],
    ],
  ],
  [
    'prune',
    [
      ['before anything', [], ['It changed nothing.']],
      [
        'in the middle',
        [packs(3), packs(3, 1)],
        [
          'It had written 3 packs and 1 index file, and removed 1 pack and 0 index files. The next prune continues from there.',
        ],
      ],
      [
        'with an answer that was lost',
        [{ ...packs(1), filesUnsure: 2 } as RunEventBody],
        [
          'It had written 1 pack and 1 index file, and removed 0 packs and 0 index files; for 2 more it is unknown. The next prune continues from there.',
        ],
      ],
    ],
  ],
  [
    'repair',
    [
      ['before anything', [], ['It changed nothing.']],
      ['of points', [saved], ['It had saved the restore points abababab.']],
      [
        'of packs',
        [packs(1)],
        [
          'It had written 1 pack and 1 index file, and removed 0 packs and 0 index files. The same repair continues from there.',
        ],
      ],
    ],
  ],
  [
    'sweep',
    [
      ['before anything', [], []],
      [
        'in the middle',
        [{ type: 'host-sweeping', host: 'db1' }],
        ['It is unknown what of earlier runs was removed from "db1"; the next job there looks.'],
      ],
    ],
  ],
])('a %s that is cut', (kind, cases) => {
  test.each(cases)('%s', (_, events, sentences) => {
    expect(consequencesOf(REQUESTS[kind], events.reduce(foldFacts, NO_FACTS))).toEqual(sentences);
  });
});

describe('a process that died', () => {
  const begun = (wanted: 'saved' | 'removed'): RunEventBody => ({
    type: 'restore-point-changing',
    ...{ repository: 'main', restorePoint: ID, wanted },
  });
  const changing: RunEventBody = { type: 'store-changing', repository: 'main' };
  const none = {
    repository: 'main',
    packsSaved: 0,
    packsRemoved: 0,
    indexesSaved: 0,
    indexesRemoved: 0,
    filesUnsure: 0,
  };

  test.each<[string, keyof typeof REQUESTS, RunEventBody[], string[]]>([
    [
      'while a restore point was being saved',
      'backup',
      [begun('saved')],
      ['It is unknown whether restore point abababab was saved; list the restore points to see.'],
    ],
    ['after it was saved', 'backup', [begun('saved'), saved], ['The restore point abababab is saved.']],
    [
      'while a restore point was being removed',
      'forget',
      [begun('removed')],
      ['It is unknown whether restore point abababab was removed; list the restore points to see.'],
    ],
    [
      'before a change was counted',
      'prune',
      [changing],
      ['It may have begun to write or remove packs and index files. The next prune continues from there.'],
    ],
    [
      'after one was counted',
      'prune',
      [changing, { type: 'store-changed', ...none, packsRemoved: 2 }],
      [
        'It had written at least 0 packs and 0 index files, and removed at least 2 packs and 0 index files. The next prune continues from there.',
      ],
    ],
    ['before anything', 'prune', [], ['It changed nothing.']],
  ])('%s', (_, kind, events, sentences) => {
    expect(consequencesOf(REQUESTS[kind], unanswered(events.reduce(foldFacts, NO_FACTS)))).toEqual(sentences);
  });

  test('leaves no trace of what was only begun in the facts of one that did not', () => {
    expect(answered([begun('saved'), changing].reduce(foldFacts, NO_FACTS))).toEqual(NO_FACTS);
  });
});

test('a long list is cut, and counted', () => {
  const many = Array.from({ length: 7 }, (_, index) => ({ ...removed, restorePoint: `${index}`.repeat(64) }));
  const [first] = consequencesOf(REQUESTS.forget, many.reduce(foldFacts, NO_FACTS));
  expect(first).toBe(
    '7 restore points were forgotten before that: 00000000, 11111111, 22222222, 33333333, 44444444 and 2 more.',
  );
});
