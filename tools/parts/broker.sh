# shellcheck shell=sh disable=SC2034,SC2154
# Agents that use secrets and get none: the broker, its tools, its record of calls, and redaction under attack.
part_broker() {
  tests "broker: unit tests" cargo test -p agentsecrets-broker --locked
  binaries || return
  tests "broker: contract" conformance/agents/broker.py "$CARGO_TARGET_DIR/debug"
  need 'gdb --version && command -v gcore' gdb || return
  tests "broker: agents' cores hold no value" conformance/agents/memory.py "$CARGO_TARGET_DIR/debug"
  tests "broker: the scenarios of handles" conformance/handles/through_broker.py "$CARGO_TARGET_DIR/debug"
  tests "broker: devices agree on policies by sync" conformance/agents/policies.py "$CARGO_TARGET_DIR/debug"
  tests "broker: red-team corpus of redaction" conformance/agents/redaction.py "$CARGO_TARGET_DIR/debug"
  venv mcp mcp==2.3.0 jsonschema==4.25.1 || return
  tests "broker: the official MCP client" "$python" conformance/agents/mcp_client.py "$CARGO_TARGET_DIR/debug"
  if [ -n "$deep" ]; then
    tests "broker: redaction against the slow model, 20,000 texts" env PROPTEST_CASES=20000 \
      cargo test -p agentsecrets-core --locked --lib redact::tests::it_does
  fi
}
