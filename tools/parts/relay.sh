# shellcheck shell=sh disable=SC2034,SC2154
# Installs and starts what the relay's tests need: strace, a PostgreSQL cluster of their own, nginx.
part_relay() {
  need 'strace -V' strace || return
  need 'ls /usr/lib/postgresql/*/bin/initdb' postgresql || return
  need 'nginx -v || /usr/sbin/nginx -v' nginx-light || return
  # The test with a full disk mounts one; without root it is counted as skipped.
  if [ "$(id -u)" = 0 ]; then ignored=--include-ignored; else ignored=; fi
  cluster=$(mktemp -d) && chmod 711 "$cluster" || return
  tests "relay: tests" tools/postgres "$cluster/pg" run \
    cargo test -p relay-reference --features postgres --locked --no-fail-fast -- ${ignored:+"$ignored"}
  rm -rf "$cluster"
  check "relay: programs" two_programs || return
  tests "relay: two relays behind nginx" conformance/relays.py "$CARGO_TARGET_DIR/debug"
  grep ' of each relay: ' "$log"
  check "relay: contract is JSON" python3 -m json.tool relay-reference/src/http/openapi.json
}

two_programs() {
  cargo build -p relay-reference --features postgres --locked && cargo build -p agentsecrets-cli --locked
}
