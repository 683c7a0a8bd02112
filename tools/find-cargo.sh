# shellcheck shell=sh
# An empty HOME hides the toolchain from rustup's proxies; they stand in CARGO_HOME/bin, so ask there.
find_cargo() {
  PATH=$PATH:${HOME:-/nonexistent}/.cargo/bin
  if cargo --version >/dev/null 2>&1; then return 0; fi
  proxy=$(command -v cargo) || { echo "missing: cargo; install Rust from https://rustup.rs"; exit 2; }
  home=$(cd "$(dirname "$proxy")/.." && pwd)
  for rustup in "${home%/*}/.rustup" "${home%/*}/rustup"; do
    if RUSTUP_HOME=$rustup cargo --version >/dev/null 2>&1; then export RUSTUP_HOME="$rustup"; fi
  done
  if [ -w "$home" ]; then export CARGO_HOME="${CARGO_HOME:-$home}"; fi
  cargo --version >/dev/null 2>&1 || { echo "cargo has no toolchain: rustup default stable"; exit 2; }
}
