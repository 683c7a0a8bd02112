# shellcheck shell=sh disable=SC2034,SC2154
# The npm package as a user installs it. Deep: the addons as they are shipped, the full sizes, the start-up figures.
part_node() {
  need 'node -e "process.exit(process.versions.node.split(\".\")[0] >= 18 ? 0 : 1)" && npm --version' nodejs npm || return
  profile=debug flags=
  if [ -n "$deep" ]; then profile=release flags=--release; fi
  # Apart, so that the addon of production has no feature of the other one.
  # shellcheck disable=SC2086
  check "node: addon" cargo build -p agentsecrets-node --locked $flags || return
  # shellcheck disable=SC2086
  check "node: addon for tests" cargo build -p agentsecrets-node-testing --locked $flags || return
  check "node: no part of a server in the addon" node_addon_is_small || return
  tests "node: tests in a project that installed the tarballs" \
    node bindings/node/check.mjs "$CARGO_TARGET_DIR/$profile" "$root/.cache/node" ${deep:+deep}
  grep -E '^    ' "$log"
  if [ -n "$deep" ]; then
    check "node: start-up figures" benches/startup/run 50 node
    cat "$log"
  fi
}

node_addon_is_small() {
  tree=$(cargo tree -p agentsecrets-node -e no-dev --prefix none --format '{p}' --locked) || return 1
  echo "$tree" | grep -q '^agentsecrets-ffi' || return 1
  ! echo "$tree" | grep -E '^(tokio|axum|hyper|relay-reference) '
}
