# shellcheck shell=sh disable=SC2034,SC2154
part_docs() {
  venv docs jsonschema==4.25.1 pyyaml==6.0.3 || return
  tests "docs: JSON schemas" "$python" tools/schemas.py
  tests "docs: the check of promises finds what is planted" tools/promises.py --self-test
  tests "docs: SECURITY.md names tests that are there, one for each invariant" tools/promises.py
  binaries || return
  check "docs: the library builds" cargo build -p agentsecrets-core --locked
  tests "docs: listings keep to their schemas" tools/check-listings "$CARGO_TARGET_DIR/debug/agentsecrets" "$python"
  need 'node --version && npm --version' nodejs npm || return
  tests "docs: what other tools print is imported" \
    tools/import-peers "$CARGO_TARGET_DIR/debug/agentsecrets" "$python" "$root/.cache/import-peers"
  tests "docs: the check of commands finds what is planted" tools/doc-commands --self-test "$CARGO_TARGET_DIR/debug"
  tests "docs: every command of every page" tools/doc-commands "$CARGO_TARGET_DIR/debug"
  grep -E '^    |^not run' "$log" | sed 's/^not run/        not run/'
  check "docs: rustdoc" env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked
}
