# shellcheck shell=sh disable=SC2034,SC2154
part_style() {
  check "style: lock file is current" cargo metadata --locked --format-version 1
  check "style: format" cargo fmt --all --check
  check "style: clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
  need 'python3 -c "import tomllib"' python3 || return
  tests "style: layers check finds what is planted" tools/layers.py --self-test
  check "style: layers" tools/layers.py
  tests "style: licence check finds what is planted" tools/licences.py --self-test
  check "style: licences, sources, bans" tools/licences.py
  tests "style: search-leaks finds what is planted" tools/search-leaks --self-test
  tests "style: wiretap" tools/wiretap --self-test
  need 'shellcheck --version' shellcheck || return
  check "style: shell scripts" shell_scripts
  long_files
}

shell_scripts() {
  # shellcheck disable=SC2046
  shellcheck -x tools/parts/*.sh $(git ls-files -co --exclude-standard | while read -r file; do
    if head -n 1 "$file" 2>/dev/null | grep -qE '^#!.*(/| )(ba)?sh$'; then echo "$file"; fi
  done)
}

# A report, not a check: one concept, one file; pause at 400 lines.
long_files() {
  git ls-files -co --exclude-standard -- '*.rs' '*.py' '*.ts' '*.js' '*.swift' '*.c' test 'tools/*' |
    while read -r file; do
      lines=$(wc -l <"$file" 2>/dev/null || echo 0)
      if [ "$lines" -gt 400 ]; then echo "note    $file has $lines lines"; fi
    done
}
