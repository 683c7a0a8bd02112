# shellcheck shell=sh disable=SC2034,SC2154
# The relay lies; then again with clients that lack one check each.
part_hostile() {
  check "hostile: no program has the weakened client" not_weakened
  run "hostile: build" cargo test -p agentsecrets-hostile --features weakened --locked --no-run --message-format json
  binary=$(sed -n 's/.*"executable":"\([^"]*\/invariants-[^"]*\)".*/\1/p' "$log" | tail -n 1)
  if [ "$rc" != 0 ] || [ -z "$binary" ]; then report 0 1; return; fi
  tests "hostile: invariants, each with an honest and a weakened client" conformance/hostile.py "$binary"
  grep -E '^ *[0-9]+ |^no test for|^ *measured' "$log"
  if [ -n "$deep" ]; then size="ADVERSARY_SECONDS=${ADVERSARY_SECONDS:-1800}"; else size=ADVERSARY_SCHEDULES=10000; fi
  tests "hostile: random adversary" env "$size" \
    cargo test -p agentsecrets-hostile --features weakened --locked --test adversary -- --nocapture
  grep ' schedules in ' "$log"
  tests "hostile: repush and adoption" \
    cargo test -p agentsecrets-hostile --features weakened --locked --test recovery
  binaries || return
  tests "hostile: two processes on two branches" conformance/forks.py "$CARGO_TARGET_DIR/debug"
}

# Features of the programs and libraries that are shipped.
not_weakened() {
  for package in agentsecrets-core agentsecrets-ffi agentsecrets-cli relay-reference; do
    features=$(cargo tree -p "$package" -e features,no-dev --prefix none --locked) || return 1
    echo "$features" | grep -q '^agentsecrets-core' || return 1
    if echo "$features" | grep -E 'weakened|inject-panic'; then echo "$package has the feature"; return 1; fi
  done
}
