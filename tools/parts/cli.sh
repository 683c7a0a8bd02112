# shellcheck shell=sh disable=SC2034,SC2154
part_cli() {
  binaries || return
  tests "cli: unit tests" cargo test -p agentsecrets-cli --locked
  need 'faketime --version' faketime || return
  tests "cli: contract and bad input" conformance/cli.py "$CARGO_TARGET_DIR/debug"
}
