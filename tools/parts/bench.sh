# shellcheck shell=sh disable=SC2034,SC2154
# Whether the benchmarks run, not how fast: each once, without a release build.
part_bench() {
  need 'pkg-config --exists libsodium' libsodium-dev pkg-config || return
  check "bench: each runs" cargo bench -p agentsecrets-benches -p agentsecrets-ffi --benches --profile dev --locked -- --test
  binaries || return
  # Not Swift, whose rows need a release build.
  check "bench: warm start" benches/startup/measure.py "$CARGO_TARGET_DIR/debug" 3 command node python
}
