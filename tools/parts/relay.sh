# shellcheck shell=sh disable=SC2034,SC2154
# Installs and starts what the relay's tests need: strace, a PostgreSQL cluster of their own, nginx.
part_relay() {
  need 'strace -V' strace || return
  need 'ls /usr/lib/postgresql/*/bin/initdb' postgresql || return
  need 'nginx -v || /usr/sbin/nginx -v' nginx-light || return
  need 'openssl version' openssl || return
  need 'systemd-analyze --version' systemd || return
  features=postgres,tls
  check "relay: lints with all features" \
    cargo clippy -p relay-reference --features "$features" --all-targets --locked -- -D warnings
  # The test with a full disk mounts one; without root it is counted as skipped.
  if [ "$(id -u)" = 0 ]; then ignored=--include-ignored; else ignored=; fi
  # The server's user has to reach its folder.
  cluster=$(mktemp -d) && chmod 711 "$cluster" || return
  tests "relay: tests" tools/postgres "$cluster/pg" run \
    cargo test -p relay-reference --features "$features" --locked --no-fail-fast -- ${ignored:+"$ignored"}
  rm -rf "$cluster"
  check "relay: programs" relay_programs || return
  tests "relay: two relays behind nginx" conformance/relays.py "$CARGO_TARGET_DIR/debug"
  grep ' of each relay: ' "$log"
  tests "relay: operations" conformance/operations.py "$CARGO_TARGET_DIR/debug" "$root/.cache/relay-static"
}

# The image's program has no library beside it: linked that way here too, by the C library of this machine.
relay_programs() {
  cargo rustc -p relay-reference --bin relay-reference --features "$features" --locked -- \
    -C target-feature=+crt-static -C relocation-model=static &&
    cp "$CARGO_TARGET_DIR/debug/relay-reference" "$root/.cache/relay-static" &&
    cargo build -p relay-reference --features "$features" --locked && cargo build -p agentsecrets-cli --locked
}
