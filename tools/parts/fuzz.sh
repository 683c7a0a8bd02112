# shellcheck shell=sh disable=SC2034,SC2154
# Every kept fuzzing input runs again, with the compiler that everybody has; deep: each target for its time, resumable,
# which takes a nightly compiler and cargo-fuzz (docs/fuzzing.md).
part_fuzz() {
  need 'pkg-config --exists libsodium' libsodium-dev pkg-config || return
  tests "fuzz: kept inputs of the core" fuzz_replay
  tests "fuzz: kept inputs of the relay" cargo test -p relay-bench --test corpus --locked
  [ -n "$deep" ] || return 0
  check "fuzz: nightly compiler" rustup toolchain install nightly --profile minimal || return
  check "fuzz: cargo-fuzz" sh -c 'cargo fuzz --version || cargo install cargo-fuzz --locked' || return
  tests "fuzz: targets" tools/fuzz ${minutes:+--minutes "$minutes"}
  grep '^|' "$log"
}

# Apart from the workspace, as cargo-fuzz wants it.
fuzz_replay() {
  cargo test --manifest-path agentsecrets-core/fuzz/Cargo.toml --no-default-features --locked --no-fail-fast
}
