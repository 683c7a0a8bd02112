# shellcheck shell=sh disable=SC2034,SC2154
# Vectors against a second implementation, made from the specification alone.
part_reader() {
  venv reader pynacl==1.6.2 blake3==1.0.11 mnemonic==0.21 || return
  tests "reader: vectors by an independent reader" "$python" testkit/reader/check.py
  tests "reader: notices every changed expectation" "$python" testkit/reader/check.py --self-test
}
