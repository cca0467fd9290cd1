/** What the environment says of proxies is not for stores: nothing goes to an address that the configuration has not. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import { systemClock } from '../../../../shared/base/clock.ts';
import { silentLogger } from '../../../../shared/base/log.ts';
import { parseLocation } from '../../../../shared/domain/location.ts';
import { openBackend } from '../../../../shared/repository/backend/open-backend.ts';
import { PATIENCE } from '../../../../shared/repository/backend/patience.ts';

const servers: Server[] = [];
const asked: string[] = [];

/** A server that answers everything, and notes under which name it was asked. */
async function listen(name: string): Promise<number> {
  const server = createServer((request, response) => {
    asked.push(name);
    request.resume().on('end', () => response.writeHead(200, { 'content-length': 2 }).end('[]'));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

beforeEach(() => asked.splice(0));
afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

test('a store is asked itself, whatever proxies the environment names', async () => {
  const [store, proxy] = [await listen('store'), await listen('proxy')];
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']) {
    vi.stubEnv(name, `http://127.0.0.1:${proxy}`);
  }
  vi.stubEnv('NODE_USE_ENV_PROXY', '1');
  const ports = { clock: systemClock, logger: silentLogger, patience: PATIENCE.question, onTrouble: () => undefined };
  const location = parseLocation(`rest:http://127.0.0.1:${store}/`);
  await using backend = await openBackend(location, { secret: undefined }, ports, never);
  expect(await backend.load({ type: 'config', name: '' }, undefined, never)).toHaveLength(2);
  expect(new Set(asked)).toEqual(new Set(['store']));
});
