# shellcheck shell=sh disable=SC2034,SC2154
# What strangers' trust stands on beside tests of behaviour: promises of the interface, what is beneath us, memory, time.
part_assurance() {
  need 'python3 -c "import tomllib"' python3 || return
  tests "assurance: interface check finds what is planted" tools/public-api --self-test
  check "assurance: public interface is the one promised" tools/public-api
  tests "assurance: dependency check finds what is planted" tools/dependencies --self-test
  check "assurance: crates by feature, a reason for each" tools/dependencies
  tests "assurance: bills of materials" tools/sbom --self-test
  if [ -n "$deep" ]; then deep_assurance; fi
}

deep_assurance() {
  check "assurance: C library, two builds, one hash" tools/reproducible
  cat "$log"
}
