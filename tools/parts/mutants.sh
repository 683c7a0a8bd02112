# shellcheck shell=sh disable=SC2034,SC2154
# Deep: a mutant that no test notices is a failure, unless docs/mutants.md gives a reason. The quick part holds the
# configuration to what is there, and the switches to what cargo-mutants would write.
part_mutants() {
  check "mutants: every file that is changed exists" mutants_files || return
  venv mutants tree-sitter==0.26.1 tree-sitter-rust==0.24.2 || return
  tests "mutants: a switch does what a change of the text does" "$python" tools/mutants --self-test
  [ -n "$deep" ] || return 0
  check "mutants: cargo-mutants" sh -c 'cargo mutants --version || cargo install cargo-mutants --locked' || return
  tests "mutants: all are noticed" "$python" tools/mutants ${minutes:+--minutes "$minutes"}
  grep '^|' "$log"
}

mutants_files() {
  grep -o '"agentsecrets-core/[^"]*"' .cargo/mutants.toml | tr -d '"' | while read -r glob; do
    # shellcheck disable=SC2086
    ls $glob >/dev/null || return 1
  done
}
