/** What docs/extending.md promises, and what holds it. */
import { ofPage } from './page.ts';

export const EXTENDING = ofPage('docs/extending.md', {
  promises: [
    [
      'Each is a folder of its own, one line in the registry, one fixture of a contract suite, and a paragraph of documentation.',
      { 'test/contract/provider.ts': 'provider' },
    ],
    [
      '| its folder | `shared/snapshot/<name>/` | `shared/quiesce/<name>/` | | the port | `SnapshotProvider` in `shared/snapshot/provider.ts` | `Hook` in `shared/quiesce/hook.ts` | | what the host does without us | `StorageFunctions` in `shared/snapshot/host/functions.ts` | `HoldFunctions` in `shared/quiesce/hook.ts` | | one line | `REGISTRY` in `shared/snapshot/registry.ts` | the same |',
      {
        'test/unit/docs-links.test.ts': [
          'what docs/extending.md names is in the code',
          'files and folders of the project that the pages name exist',
        ],
      },
    ],
    [
      '| what it must pass | `test/contract/provider.ts`, with a `ProviderFixture` | `test/contract/hook.ts`, with a `HookFixture` |',
      { 'test/contract/provider.ts': 'provider', 'test/contract/hook.ts': 'hook' },
    ],
    [
      '| an example without anything special | `test/support/snapshot/folder-copy.ts` | `test/support/quiesce/flag-file.ts` |',
      {
        'test/e2e/two-storages.test.ts':
          'makes both snapshots in one script under one hold, with one skew and one consistency',
        'test/contract/provider.ts': 'provider',
        'test/contract/hook.ts': 'hook',
      },
    ],
    [
      '| what the host needs | `docs/host-setup.md` | the same |',
      { 'test/unit/docs-links.test.ts': 'files and folders of the project that the pages name exist' },
    ],
    [
      '**`provider.ts`**: `kind` (the word in answers, such as `btrfs`), `programs` (what its scripts call, by Debian package; a host that lacks one is told so before anything is made), `remedy` (what an administrator would do to be able to use it), `onHost` and `survey`.',
      {
        'test/unit/snapshot/lease-answers.test.ts': 'a host that lacks a program is told which package has it',
        'test/unit/docs-links.test.ts': 'what docs/extending.md names is in the code',
      },
    ],
    [
      '**`survey`** asks the host what it has, by remote commands: values with a script, arguments, a limit in time and a strict parser (`shared/remote/command.ts`).',
      {
        'test/unit/remote/every-script.test.ts': 'no script of the product is missing here',
        'test/unit/snapshot/lvm-records.test.ts': 'reports of LVM 2.03.16',
      },
    ],
    [
      'Nothing is believed that the parser does not know.',
      { 'test/unit/snapshot/lvm-records.test.ts': 'refuses a report that is cut anywhere' },
    ],
    [
      'It answers with a **`Storage`**, which asks nothing any more:',
      {
        'test/contract/provider.ts': [
          'finds its volumes, the nested ones too, each under a name of its own',
          'makes the snapshots of nested volumes in one script, and mounts each at its place',
        ],
        'test/unit/snapshot/detect.test.ts': 'the volumes of a host',
      },
    ],
    [
      "`claim(device)`: the volumes that are seen through the mounts of this device, none where it is another's.",
      {
        'test/contract/provider.ts': [
          'finds its volumes, the nested ones too, each under a name of its own',
          'makes the snapshots of nested volumes in one script, and mounts each at its place',
        ],
        'test/unit/snapshot/detect.test.ts': 'the volumes of a host',
      },
    ],
    [
      "`id` begins with the provider's word and is the storage's own identity (a uuid, not a device number: several volumes may share one), `label` is for people, `snapshot` says that a snapshot is possible, or the reason why not and the remedy.",
      {
        'test/contract/provider.ts': [
          'finds its volumes, the nested ones too, each under a name of its own',
          'makes the snapshots of nested volumes in one script, and mounts each at its place',
        ],
        'test/unit/snapshot/detect.test.ts': 'the volumes of a host',
      },
    ],
    [
      '`places` says where the volume is seen: through a mount of its own, or inside another volume, as a subvolume that is mounted nowhere.',
      {
        'test/contract/provider.ts': [
          'finds its volumes, the nested ones too, each under a name of its own',
          'makes the snapshots of nested volumes in one script, and mounts each at its place',
        ],
        'test/unit/snapshot/detect.test.ts': 'the volumes of a host',
      },
    ],
    [
      '`refuse(device)`: why what lies *on top of* a volume of this storage cannot be snapshotted.',
      { 'test/unit/snapshot/origin.test.ts': 'what is on no logical volume' },
    ],
    [
      '`pools`: where snapshots take their room.',
      { 'test/unit/snapshot/lvm-plan.test.ts': 'names every volume without room, not the first one alone' },
    ],
    [
      '`afterSweep`: the same storage when what dead runs left is gone.',
      {
        'test/unit/snapshot/after-sweep.test.ts': [
          'the snapshots of dead runs, of all of them',
          'the plan of a backup',
        ],
      },
    ],
    [
      '`plan(volumes, identity)`: one **`PlannedItem`** a volume, and the risks.',
      { 'test/unit/snapshot/lvm-plan.test.ts': 'a plan of snapshots' },
    ],
    [
      'Everything that is lacking is one error (`Problems` in `shared/base/problems.ts`).',
      { 'test/unit/snapshot/lvm-plan.test.ts': 'names every volume without room, not the first one alone' },
    ],
    [
      '**A `PlannedItem`** is all that is done with one snapshot, as values:',
      {
        'test/contract/provider.ts': 'says what it will do: the ids that it plans are the ids that it makes',
        'test/unit/docs-links.test.ts': 'what docs/extending.md names is in the code',
      },
    ],
    [
      '`create`, a fragment for the critical section (`shared/snapshot/critical-section.ts`). It calls `sp_plan KIND ID` before it makes anything, `sp_instant COMMAND…` for the one program that makes the snapshot, and `sp_made PROOF…` when it stands; `sp_standing` in every loop.',
      {
        'test/contract/provider.ts': 'says what it will do: the ids that it plans are the ids that it makes',
        'test/unit/docs-links.test.ts': 'what docs/extending.md names is in the code',
      },
    ],
    [
      'The snapshot must be born with our marks (run and owner), so that it can be found without a record.',
      { 'test/contract/provider.ts': 'is swept after a restart that took processes and /run' },
    ],
    [
      'Its name comes from `mintSnapshotName`.',
      {
        'test/contract/provider.ts': 'says what it will do: the ids that it plans are the ids that it makes',
        'test/unit/docs-links.test.ts': 'what docs/extending.md names is in the code',
      },
    ],
    [
      '`mount(path)`, a fragment that makes the content visible, read-only, at `path`; `sp_enter "$run" COMMAND…` runs a command in the run\'s namespace.',
      {
        'test/contract/provider.ts':
          'makes the snapshots of nested volumes in one script, and mounts each at its place',
      },
    ],
    [
      '`observe`, a fragment that looks at it after the last read. Both print what tells that it is still the same.',
      { 'test/contract/provider.ts': 'is not believed where its snapshot is gone before the last read' },
    ],
    [
      '`judge`, pure: from what was made, mounted and observed to nothing, or to `snapshot.full` or `identityChanged(…)`.',
      {
        'test/unit/snapshot/end-check.test.ts': 'the verdict on a snapshot',
        'test/contract/provider.ts': 'is not believed where its snapshot is gone before the last read',
      },
    ],
    [
      '`explain`: the error for a fragment that failed, from its exit code and from what it said.',
      { 'test/contract/provider.ts': 'calls a lack of room by its name, and leaves nothing of it' },
    ],
    [
      '`lines`: the same steps as an administrator would type them.',
      { 'test/unit/pipeline/paths.test.ts': 'a plan says what would be done' },
    ],
    [
      '**`onHost`**: three functions of sh, in the form that `StorageFunctions` prescribes. They run in the watchman, in a release and in sweeps, under dash, bash and busybox; they may run twice and at the same time.',
      {
        'test/faults/watchman/suite.ts': 'the watchman under',
        'test/faults/watchman/volumes.ts': 'may remove twice at the same time',
        'test/unit/remote/every-script.test.ts': 'reads the script',
      },
    ],
    [
      '**The registry.** The order is that in which providers are asked whose a volume is.',
      { 'test/unit/snapshot/detect.test.ts': 'are those of the first provider that claims them' },
    ],
    [
      '**The fixture**, on a real host with this storage. The suite asks for nested volumes (mounted and, where the storage has such, mounted nowhere), an impostor with one of our names, a lack of room, a restart, two runs at once, everything twice, a sweep of a version that knows no such storage, and a kill before and after every call of every program that `programs` names.',
      {
        'test/contract/provider.ts': [
          'finds its volumes, the nested ones too, each under a name of its own',
          'leaves alone what has a name of ours and not our marks, and says so',
          'calls a lack of room by its name, and leaves nothing of it',
          'is swept after a restart that took processes and /run',
          'serves two runs at once',
          'does everything twice without harm',
          'is removed by its own watchman, whom a sweep that knows no such storage asks',
          'killed before and after every call of a program',
        ],
      },
    ],
    [
      'A file `records.ts` in the folder may use zod for what a program prints.',
      { 'test/architecture.test.ts': 'the law allows' },
    ],
    [
      'Words of the storage stay in its folder: a test reads all other files for them.',
      { 'test/architecture.test.ts': 'know no storage by name outside of its own folder' },
    ],
    [
      '`plan(source, run)`: what it would hold, nothing where the source does not ask for it. A **`PlannedHold`** has an `id` that names what is held on the host, what it `guarantees`, how long it `holds`, and a deadline in seconds.',
      {
        'test/contract/hook.ts': 'hook',
        'test/unit/docs-links.test.ts': 'what docs/extending.md names is in the code',
      },
    ],
    [
      '`freeze`, a fragment that ends when the application stands still.',
      {
        'test/contract/hook.ts': [
          'holds while the snapshots are made, proves it, and lets go',
          'makes no snapshot where the application does not hold still',
        ],
      },
    ],
    [
      'It must end itself at the deadline if nobody lets go: what it leaves running has a session of its own, closed standard streams, and touches no hold of a later run.',
      { 'test/contract/hook.ts': 'is let go where section and watchman are killed' },
    ],
    [
      '`prove`, a fragment that succeeds only where the application has been held ever since. A lock that was lost and taken again is no hold.',
      { 'test/contract/hook.ts': 'claims nothing where somebody let go in between' },
    ],
    [
      '`onHost`: `sp_KIND_thaw ID` lets go, and succeeds where nothing is held.',
      { 'test/contract/hook.ts': 'is let go by a release and by a sweep, whatever was done before' },
    ],
    [
      'The fixture, over the real application. The suite kills the section, the watchman, both, and every program before and after each call, and asks each time whether the application goes on in time.',
      {
        'test/contract/hook.ts': [
          'is let go where the section is killed',
          'is let go by the watchman in time, where the section hangs, and then claims nothing',
          'is let go where section and watchman are killed',
          'is let go after every kill of a program that it calls',
        ],
      },
    ],
    [
      'Arming, renewing, releasing and sweeping; the private namespace; the times of the instants, their skew, and the consistency that follows from them; the plan that is printed and its id; what is said when a lease ends. They are the same for all.',
      {
        'test/e2e/two-storages.test.ts': [
          'makes both snapshots in one script under one hold, with one skew and one consistency',
          'runs byte for byte what the plan printed',
        ],
      },
    ],
  ],
  exceptions: [
    [
      'For developers. A storage (LVM, Btrfs, ZFS, anything that can freeze an instant) is a **provider**; an application that can be held still is a **hook**.',
      'says what the words of the page mean',
    ],
    [
      'If a line anywhere else has to change, the port is wrong: change the port, in one step, and say why in a decision record.',
      'a rule for whoever changes the port',
    ],
    ['Codes 71, 74 and 75 are taken.', 'a rule for whoever writes a fragment'],
  ],
});
