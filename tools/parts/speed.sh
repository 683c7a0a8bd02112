# shellcheck shell=sh disable=SC2034,SC2154
# The batches of sealed boxes: right, within bounds, constant in time, and fast because nothing in them is a call.
part_speed() {
  need 'valgrind --version' valgrind || return
  need 'objdump --version' binutils || return
  if [ -n "$deep" ]; then rounds=2000; else rounds=40; fi
  tests "speed: model, bounds, differential, Wycheproof" env BATCH_ROUNDS=$rounds \
    cargo test -p agentsecrets-batch --locked -- --nocapture
  grep '^not measured' "$log" | sort -u
  tests "speed: back ends agree" cargo test -p agentsecrets-core --locked --test backends -- --nocapture
  grep '^back ends here' "$log"
  tests "speed: back ends agree on all cores" cargo test -p agentsecrets-core --locked --features rayon --test backends
  check "speed: programs" cargo build --release -p agentsecrets-batch --features model --examples --locked || return
  tests "speed: leak check finds what is planted" agentsecrets-batch/check.py --self-test
  tests "speed: model under valgrind, no time depends on a secret" \
    agentsecrets-batch/check.py constant-time "$CARGO_TARGET_DIR/release/examples/ctgrind"
  tests "speed: machine code, no call, jump or address in the way" \
    agentsecrets-batch/check.py binary "$CARGO_TARGET_DIR/release/examples/throughput"
  grep '^    ' "$log"
  check "speed: nothing is compiled for this machine alone" not_native
}

# Every back end in every artifact, chosen at run time: no flag that binds the code to a processor.
not_native() {
  if grep -rnE 'target-cpu|target-feature|curve25519_dalek_backend' --include='*.toml' --include='*.sh' --include='*.yml' \
    --include='*.cmake' --include=build.rs --exclude-dir=target --exclude-dir=node_modules . |
    grep -vE 'tools/parts/speed.sh|crt-static'; then return 1; fi
  for package in agentsecrets-ffi agentsecrets-cli; do
    features=$(cargo tree -p "$package" -e no-dev --prefix none --locked) || return 1
    for crate in agentsecrets-batch graviola curve25519-dalek; do
      echo "$features" | grep -q "^$crate " || { echo "$package lacks $crate"; return 1; }
    done
  done
}
