# shellcheck shell=sh disable=SC2034,SC2154
part_interop() {
  need 'gcc --version' gcc libc6-dev || return
  need 'echo "#include <sodium.h>" | gcc -E - && ldconfig -p | grep libsodium.so' libsodium-dev || return
  venv interop pynacl==1.6.2 || return
  tests "interop: sealed boxes and boxes with libsodium and PyNaCl" "$python" tools/interop/run
}
