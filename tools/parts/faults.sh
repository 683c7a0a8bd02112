# shellcheck shell=sh disable=SC2034,SC2154
part_faults() {
  binaries || return
  if [ -n "$deep" ]; then kills=2000; else kills=100; fi
  tests "faults: kill -9 of pulling and pushing clients" conformance/faults.py "$CARGO_TARGET_DIR/debug" $kills
  grep ' kills: ' "$log"
  cases=${deep:+5000}
  tests "faults: three devices converge" env PROPTEST_CASES="${cases:-64}" \
    cargo test -p relay-reference --locked --test convergence
}
