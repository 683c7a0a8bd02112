# shellcheck shell=sh disable=SC2034,SC2154
# What the relay acknowledges is true, and how much of it it does: faults, then figures. About five minutes; the full
# sizes with `./test deep load`, whose figures go on where a run before was cut off (.cache/load/deep-*.json).
part_load() {
  need 'strace -V' strace || return
  need 'ls /usr/lib/postgresql/*/bin/initdb && psql -V' postgresql || return
  need 'ps --version' procps || return
  check "load: build" cargo build --release -p relay-reference -p relay-bench --features relay-reference/postgres --locked ||
    return
  programs=$CARGO_TARGET_DIR/release
  tests "load: the checker fails histories that are broken" cargo test -p relay-bench --locked
  check "load: without a sync the strace test fails" unsynced_fails
  if [ -n "$deep" ]; then kills=200 rounds=20; else kills=40 rounds=3; fi
  tests "load: kill -9 under 16 writers, $kills times" conformance/relay/kills.py "$programs" $kills
  grep ' violations' "$log"
  tests "load: two relays on PostgreSQL under faults" conformance/relay/postgres.py "$programs" --rounds $rounds
  grep ' violations' "$log"
  venv contract schemathesis==4.32.5 cryptography==50.0.2 requests==2.34.2 || return
  # shellcheck disable=SC2086
  tests "load: schemathesis finds nothing" "$python" conformance/relay/contract.py "$programs" ${deep:+1000}
  grep -E '^    /' "$log"
  load_figures sqlite
  cluster=$(mktemp -d) && chmod 711 "$cluster" || return
  DATABASE_URL=$(tools/postgres "$cluster/pg" up) && load_figures postgres --database "$DATABASE_URL"
  tools/postgres "$cluster/pg" down
  rm -rf "$cluster"
}

# load_figures NAME OPTION...: into .cache/load; printed as they come.
load_figures() {
  store=$1; shift
  mkdir -p "$root/.cache/load"
  results=$root/.cache/load/${deep:+deep-}$store.json
  if [ -z "$deep" ]; then rm -f "$results"; fi
  # Two cores are shared with the load itself: what takes minutes is measured on SQLite alone, unless it is deep.
  if [ -n "$deep" ]; then steps=; elif [ "$store" = sqlite ]; then steps='idle appends polls first_sync overload slow'; else steps='appends polls'; fi
  # shellcheck disable=SC2086
  tests "load: figures on $store" conformance/relay/load.py "$programs" "$results" ${deep:+--full} "$@" $steps
  grep -E '^[a-z_]+: ' "$log" | cut -c 1-300 | sed 's/^/        /'
}

# The negative control: the same test, with a relay that acknowledges before the disk has it.
unsynced_fails() {
  set -- cargo test -p relay-reference --features weakened --locked --test durable
  "$@" || return 1
  if RELAY_SYNCHRONOUS=NORMAL "$@"; then return 1; fi
  RELAY_SYNCHRONOUS=NORMAL "$@" 2>&1 | grep -q 'left: None'
}
