/** A host in namespaces with a daemon of Docker of its own, and a project of docker compose that runs. */
import { unpackDebian } from './debian-overlay.ts';
import { startFolderCopyHost } from './provider-fixtures.ts';

export const DOCKER_PACKAGES = ['docker.io', 'containerd', 'runc', 'busybox-static'];

/** Of a project of docker compose; one has the restart policy that needs care. The image is one static program. */
const CONTAINERS = `
mkdir /run/image; cp /usr/bin/busybox /run/image/; tar -C /run/image -c . | docker import - busybox >/dev/null
run() { docker run -d --network none --name "$1" --label com.docker.compose.project=shop --restart "$2" --stop-signal KILL busybox /busybox sleep 100000 >/dev/null; }
run shop-db-1 unless-stopped; run shop-web-1 no`;

/** Starts it in a session of its own, which no kill of a section takes along, and waits until it answers. */
export const DOCKER_DAEMON = `
setsid dockerd --iptables=false --ip-forward=false --bridge=none --storage-driver=vfs --data-root /run/docker-data </dev/null >/run/dockerd.log 2>&1 &
i=0; until docker version >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 100 ] || { tail -n 3 /run/dockerd.log >&2; exit 1; }; sleep 0.2; done`;

export const DOCKER_RUNNING = 'docker inspect -f "{{.State.Running}}" shop-db-1 shop-web-1';

/** @param root where `whyNoDocker` has put its programs */
export async function startDockerHost(root: string) {
  const world = await startFolderCopyHost();
  await world.sh(`mount -t tmpfs tmpfs /var/lib; mount -t overlay -o lowerdir=${root}/usr:/usr overlay /usr; mount -t tmpfs tmpfs /usr/local/sbin
${DOCKER_DAEMON}
${CONTAINERS}`);
  return world;
}

/** Whether a daemon can run here at all. */
export async function whyNoDocker(root: string): Promise<string | undefined> {
  const whyNot = await unpackDebian(root, DOCKER_PACKAGES);
  if (whyNot !== undefined) return whyNot;
  try {
    await using tried = await startDockerHost(root);
    return (await tried.sh(DOCKER_RUNNING)) === 'true\ntrue' ? undefined : 'no container runs here';
  } catch (error) {
    return `Docker does not run here: ${(error as Error).message.slice(-300)}`;
  }
}
