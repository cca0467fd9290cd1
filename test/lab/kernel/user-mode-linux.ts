/**
 * User-Mode Linux: a kernel that is a program, with native-speed arithmetic. Up to 6.12 it drives its processes by
 * ptrace, which fails on processors whose extended register state is larger than it expects (AMX). 7.2 bears these, and
 * can have its processes caught by seccomp instead, which costs a quarter less and is off unless it is asked for.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fetchDebianPackage } from '../debian-suite.ts';
import { ensureDebianPackages } from '../requirements.ts';
import type { GuestKernel, Launch, Machine, PreparedKernel } from './guest-kernel.ts';

const umid = 'guest';
const libraries = 'usr/lib/x86_64-linux-gnu';
const installedModules = '/usr/lib/uml/modules';

/** The one of another Debian suite, fetched into the cache with the C library that it needs. */
export function userModeLinuxOf(suite: string): GuestKernel {
  const name = `uml-${suite}`;
  return {
    name,
    prepare: async (signal) => {
      const kernel = await fetchDebianPackage({ suite, package: 'user-mode-linux' }, signal);
      const library = await fetchDebianPackage({ suite, package: 'libc6' }, signal);
      const libraryFolder = join(library.root, libraries);
      return await describe(name, `Debian ${suite}, ${kernel.version}`, join(kernel.root, 'usr/lib/uml/modules'), {
        program: await withOwnLoader(join(kernel.root, 'usr/bin/linux.uml')),
        environment: { LD_LIBRARY_PATH: libraryFolder },
        workingDirectory: libraryFolder,
      });
    },
  };
}

/** The one of this machine's own suite, installed like any program. */
export const installedUserModeLinux: GuestKernel = {
  name: 'uml-installed',
  prepare: async (signal) => {
    await ensureDebianPackages(['user-mode-linux'], signal);
    return await describe('uml-installed', "this machine's package", installedModules, {
      program: '/usr/bin/linux.uml',
      environment: {},
      workingDirectory: '/',
    });
  },
};

/**
 * Somebody's own: the program at `path`, with the modules that lie beside it as in Debian's package that was unpacked, else
 * with those of the installed package.
 */
export function userModeLinuxAt(path: string): GuestKernel {
  const start = { program: path, environment: {}, workingDirectory: '/' };
  const beside = join(dirname(path), '../lib/uml/modules');
  return {
    name: path,
    prepare: async () =>
      await describe(path, `the program ${path}`, existsSync(beside) ? beside : installedModules, start),
  };
}

/**
 * A copy of the program that takes its loader from the working directory. It is linked to a fixed address, and started
 * through another loader (`ld.so linux.uml`) it would find its memory elsewhere and fail.
 */
async function withOwnLoader(program: string): Promise<string> {
  const copy = join(dirname(program), 'linux-with-own-loader');
  const exists = await readFile(copy).then(
    () => true,
    () => false,
  );
  if (exists) return copy;
  const content = await readFile(program);
  const loader = '/lib64/ld-linux-x86-64.so.2';
  const at = content.indexOf(`${loader}\0`);
  if (at < 0) throw new Error(`"${program}" names another loader than ${loader}`);
  content.write(`./${loader.slice(loader.lastIndexOf('/') + 1)}`.padEnd(loader.length, '\0'), at);
  const unfinished = `${copy}.${String(process.pid)}`;
  try {
    await writeFile(unfinished, content, { mode: 0o755 });
    await rename(unfinished, copy);
  } finally {
    await rm(unfinished, { force: true });
  }
  return copy;
}

async function describe(
  name: string,
  origin: string,
  modulesFolder: string,
  start: { readonly program: string } & Pick<Launch, 'environment' | 'workingDirectory'>,
): Promise<PreparedKernel> {
  const releases: readonly string[] = await readdir(modulesFolder).catch(() => []);
  const release = releases.toSorted().at(-1);
  if (release === undefined) throw new Error(`There are no kernel modules in "${modulesFolder}"`);
  const { program, ...surroundings } = start;
  return {
    name,
    title: `User-Mode Linux ${release} (${origin})`,
    release,
    modules: join(modulesFolder, release),
    earlyModules: [],
    rootDevice: '/dev/ubda',
    hangMs: 3500,
    launch: async (machine) => {
      // After a power cut the kernel's own folder is still there, and its process id looks alive: ours is 1 again.
      await rm(join(machine.directory, umid), { recursive: true, force: true });
      return { command: [program, ...kernelArguments(machine)], ...surroundings };
    },
  };
}

function kernelArguments({ directory, disks, memoryMiB, initialRamDisk, words }: Machine): readonly string[] {
  return [
    `mem=${String(memoryMiB)}M`,
    `umid=${umid}`,
    `uml_dir=${directory}/`,
    `initrd=${initialRamDisk}`,
    ...disks.map((disk, index) =>
      'image' in disk ? `ubd${String(index)}=${disk.image}` : `ubd${String(index)}=${disk.copyOnWrite},${disk.base}`,
    ),
    'vec0:transport=tap,ifname=tap0,depth=128,gro=1',
    ...['con=null', 'con0=null,fd:1', 'ssl=null', 'noreboot', 'seccomp=auto'],
    ...words,
  ];
}
