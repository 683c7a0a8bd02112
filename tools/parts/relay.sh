# shellcheck shell=sh disable=SC2034,SC2154
part_relay() {
  need 'strace -V' strace || return
  # The test with a full disk mounts one; without root it is counted as skipped.
  if [ "$(id -u)" = 0 ]; then ignored=--include-ignored; else ignored=; fi
  tests "relay: tests" cargo test -p relay-reference --locked --no-fail-fast -- ${ignored:+"$ignored"}
  check "relay: contract is JSON" python3 -m json.tool relay-reference/src/http/openapi.json
}
