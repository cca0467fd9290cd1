/**
 * Containers of Docker as services: one, "container:NAME", or all of a project of docker compose, "compose:NAME".
 *
 * Invariants. Only containers that run are stopped, and each is known by its id from then on, so a name that is given to
 * another one does not matter. Docker does not start at its own start what was stopped by hand and has the restart policy
 * "unless-stopped"; such a container has "always" while it is stopped, so that it comes back also where the host is
 * restarted meanwhile, and its own policy again when it is let go.
 */

/**
 * sp_docker ARGUMENT…: this host's own daemon, whatever root's configuration of the client or the environment says.
 *
 * sp_container_runs UNIT, sp_container_start UNIT POLICY: as those of services. A container that is there no more, because
 * somebody has replaced or removed it, is nothing that could be started.
 */
export const CONTAINERS_ON_HOST = `
sp_docker() { timeout 330 docker --host unix:///var/run/docker.sock "$@" </dev/null 2>/dev/null; }
sp_container_runs() { [ "$(sp_docker container inspect -f '{{or .State.Running .State.Restarting}}' "\${1#container:}")" = true ]; }
sp_container_start() {
  if ! sp_docker container inspect "\${1#container:}" >/dev/null; then sp_docker version >/dev/null; return; fi
  sp_container_runs "$1" || sp_docker start "\${1#container:}" >/dev/null || return 1
  [ -z "$2" ] || sp_docker update --restart "$2" "\${1#container:}" >/dev/null || return 1
  sp_container_runs "$1"
}`;

/**
 * For the freeze. sp_container_ids NAME: those of a name that run, the oldest first: what others need is made before them.
 *
 * sp_container_units NAME: a line for each, with the restart policy where that is to be given back; fails where one of
 * them could not be started again as it was.
 *
 * sp_container_stop UNIT POLICY
 */
export const CONTAINERS_STOPPED = `
sp_container_ids() {
  case $1 in
    container:*) set -- "$(sp_docker container inspect -f '{{if or .State.Running .State.Restarting}}{{.Id}}{{end}}' "\${1#container:}")" ;;
    *) set -- "$(sp_docker ps -q --no-trunc --filter "label=com.docker.compose.project=\${1#compose:}")" ;;
  esac
  sp_ids=
  for sp_next in $1; do sp_ids="$sp_next $sp_ids"; done
  echo "$sp_ids"
}
sp_container_units() {
  for sp_next in $(sp_container_ids "$1"); do
    set -- "$(sp_docker container inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.AutoRemove}} {{.State.Paused}} {{index .Config.Labels "com.docker.swarm.service.id"}}' "$sp_next")"
    case $1 in
      *' false false ') ;;
      *' false false '*) echo "the container $sp_next belongs to a swarm, which would start another one" >&2; return 1 ;;
      *' true '*) echo "the container $sp_next is paused, or would be removed when it is stopped" >&2; return 1 ;;
      *) echo "the container $sp_next cannot be looked at" >&2; return 1 ;;
    esac
    case $1 in unless-stopped\\ *) echo "unit container:$sp_next unless-stopped" ;; *) echo "unit container:$sp_next" ;; esac
  done
}
sp_container_stop() {
  [ -z "$2" ] || sp_docker update --restart always "\${1#container:}" >/dev/null || return 1
  sp_docker stop "\${1#container:}" >/dev/null
}
sp_container_there() {
  case $1 in
    container:*) sp_docker container inspect "\${1#container:}" >/dev/null ;;
    *) [ -n "$(sp_docker ps -aq --filter "label=com.docker.compose.project=\${1#compose:}")" ] ;;
  esac
}`;
