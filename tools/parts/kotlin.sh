# shellcheck shell=sh disable=SC2034,SC2154
part_kotlin() {
  need 'java -version' default-jre-headless || return
  need 'test -r /usr/share/java/jna.jar && test -d /usr/lib/x86_64-linux-gnu/jni' libjna-java libjna-jni || return
  need 'npm --version' npm || return
  check "kotlin: native library" cargo build -p agentsecrets-swift --locked || return
  check "kotlin: generator" cargo build -p agentsecrets-swift-bindgen --locked || return
  tests "kotlin: the preview is current, compiles and runs" bindings/kotlin/check.py "$CARGO_TARGET_DIR/debug" "$root/.cache"
}
