# shellcheck shell=sh disable=SC2034,SC2154
part_ffi() {
  tests "ffi: tests, header" cargo test -p agentsecrets-ffi --locked --no-fail-fast --features testing,inject-panic
  need 'python3 -c "import tomllib"' python3 || return
  tests "ffi: parity check finds what is planted" tools/parity.py --self-test
  check "ffi: surfaces are those of bindings/api.toml" tools/parity.py
  check "ffi: libraries" cargo build -p agentsecrets-ffi --locked
  binaries || return
  need 'gcc --version && g++ --version' gcc g++ || return
  need 'clang --version' clang || return
  need 'cmake --version && pkg-config --version' cmake make pkg-config || return
  need 'valgrind --version' valgrind || return
  need 'abidiff --version' abigail-tools || return
  need 'gdb --version && command -v gcore' gdb || return
  need 'echo "#include <curl/curl.h>" | gcc -E -' libcurl4-openssl-dev || return
  tests "ffi: C and C++, every compiler, valgrind, sanitizers" bindings/c/check.py "$CARGO_TARGET_DIR/debug"
  grep -E '^    ' "$log"
  if [ -n "$deep" ]; then sanitizers; fi
}

# Eight threads on the same handles, with the sanitizers of the Rust compiler. ThreadSanitizer needs a standard library that
# is instrumented too, and that needs its source.
sanitizers() {
  host=$(rustc -vV | sed -n 's/^host: //p')
  check "ffi: the standard library's source (rustup component add rust-src)" standard_library || return
  check "ffi: ThreadSanitizer, 100,000 calls" env RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread THREAD_ROUNDS=3000 \
    RUSTUP_TOOLCHAIN="$toolchain" CARGO_TARGET_DIR="$CARGO_TARGET_DIR/thread-sanitizer" \
    cargo test -Zbuild-std --target "$host" -p agentsecrets-ffi --lib --locked -- --nocapture
  grep ' calls by ' "$log"
  check "ffi: ThreadSanitizer finds a planted race" planted_race
  check "ffi: AddressSanitizer" env RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address THREAD_ROUNDS=1000 \
    CARGO_TARGET_DIR="$CARGO_TARGET_DIR/address-sanitizer" \
    cargo test --target "$host" -p agentsecrets-ffi --lib --test scenarios --locked -- --nocapture
  grep ' calls by ' "$log"
}

# Sets toolchain: one that has the source, or gets it.
standard_library() {
  for toolchain in $(rustup toolchain list | awk '{ print $1 }'); do
    [ -f "$(rustc "+$toolchain" --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ] && return 0
  done
  toolchain=$(rustup show active-toolchain | awk '{ print $1 }')
  rustup component add rust-src --toolchain "$toolchain"
}

planted_race() {
  env PLANT_RACE=1 RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread RUSTUP_TOOLCHAIN="$toolchain" \
    CARGO_TARGET_DIR="$CARGO_TARGET_DIR/thread-sanitizer" \
    cargo test -Zbuild-std --target "$host" -p agentsecrets-ffi --lib --locked -- a_planted_race >"$logs/race" 2>&1
  grep 'WARNING: ThreadSanitizer: data race' "$logs/race"
}
