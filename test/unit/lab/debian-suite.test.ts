import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fetchDebianProgram } from '../../lab/debian-suite.ts';

describe('a program of a Debian suite', () => {
  let cache: string;

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'debian-suite-'));
    vi.stubEnv('XDG_CACHE_HOME', cache);
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(cache, { recursive: true });
  });

  it('is not to be had from an archive that does not answer, and one sentence says so', async ({ signal }) => {
    vi.stubEnv('STILLPOINT_LAB_MIRROR', 'http://127.0.0.1:9/debian');
    const request = { suite: 'forky', package: 'restic', file: 'usr/bin/restic' };
    const found = await fetchDebianProgram(request, signal);
    expect('reason' in found && found.reason).toMatch(/^"apt-get update" for Debian forky said: .*127\.0\.0\.1/);
  });

  it('is not to be had from an archive that is none', async ({ signal }) => {
    vi.stubEnv('STILLPOINT_LAB_MIRROR', `file:${cache}`);
    const request = { suite: 'forky', package: 'restic', file: 'usr/bin/restic' };
    const found = await fetchDebianProgram(request, signal);
    expect('reason' in found && found.reason).toMatch(/^"apt-get update" for Debian forky said: .*Release/);
  });
});
