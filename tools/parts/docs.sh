# shellcheck shell=sh disable=SC2034,SC2154
part_docs() {
  venv schemas jsonschema==4.25.1 || return
  tests "docs: JSON schemas" "$python" tools/schemas.py
  check "docs: the command builds" cargo build -p agentsecrets-cli --locked
  tests "docs: listings keep to their schemas" tools/check-listings "$CARGO_TARGET_DIR/debug/agentsecrets" "$python"
  check "docs: rustdoc" env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked
}
