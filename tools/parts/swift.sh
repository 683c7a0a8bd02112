# shellcheck shell=sh disable=SC2034,SC2154
part_swift() {
  need 'python3 -c "import tomllib"' python3 || return
  need 'swift --version || test -r /usr/share/keyrings/debian-archive-keyring.gpg' debian-archive-keyring || return
  check "swift: toolchain, 550 MB where there is none" tools/swift-env "$root/.cache/swift" swift --version || return
  check "swift: native library" cargo build -p agentsecrets-swift --locked || return
  check "swift: generator" cargo build -p agentsecrets-swift-bindgen --locked || return
  binaries || return
  tests "swift: tests, scenarios, examples, README, canary" bindings/swift/check.py "$CARGO_TARGET_DIR/debug" "$root/.cache"
  grep -E '^    ' "$log"
}
