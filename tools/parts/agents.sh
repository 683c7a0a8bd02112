# shellcheck shell=sh disable=SC2034,SC2154
# Secrets that are used and not read: the request side of the red-team corpus, and handles as a program has them.
part_agents() {
  tests "agents: requests, 116 attempts from published bugs" cargo test -p agentsecrets-core --locked --test agents_corpus --test handles
  need 'python3 -c "import venv"' python3 python3-venv || return
  check "agents: Python's module" cargo build -p agentsecrets-python --locked || return
  check "agents: handles, redactor, commands from Python" agents_in_python bindings/python/examples/agent/handles.py
  check "agents: an agent's loop" agents_in_python bindings/python/examples/agent/loop.py
  check "agents: a tool as agent frameworks call it" agents_in_python bindings/python/examples/agent/tool.py
}

# The package as it stands, with the module that was just built.
agents_in_python() (
  place=$(mktemp -d) || exit 1
  trap 'rm -rf "$place"' EXIT
  cp -r bindings/python/python/agentsecrets_core "$place" &&
    cp "$CARGO_TARGET_DIR/debug/lib_native.so" "$place/agentsecrets_core/_native.abi3.so" &&
    PYTHONPATH=$place python3 "$@"
)
