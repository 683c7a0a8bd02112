# shellcheck shell=sh disable=SC2034,SC2154
# Deep alone: a mutant that no test notices is a failure, unless docs/mutants.md gives a reason. The quick part holds the
# configuration to what is there.
part_mutants() {
  check "mutants: every file that is changed exists" mutants_files || return
  [ -n "$deep" ] || return 0
  check "mutants: cargo-mutants" sh -c 'cargo mutants --version || cargo install cargo-mutants --locked' || return
  tests "mutants: all are noticed" tools/mutants ${minutes:+--minutes "$minutes"}
  grep '^|' "$log"
}

mutants_files() {
  grep -o '"agentsecrets-core/[^"]*"' .cargo/mutants.toml | tr -d '"' | while read -r glob; do
    # shellcheck disable=SC2086
    ls $glob >/dev/null || return 1
  done
}
