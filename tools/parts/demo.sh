# shellcheck shell=sh disable=SC2034,SC2154
part_demo() {
  check "demo" ./demo
}
