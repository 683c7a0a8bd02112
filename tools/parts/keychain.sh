# shellcheck shell=sh disable=SC2034,SC2154
# Against a real Secret Service, in a session of its own.
part_keychain() {
  need 'dbus-run-session --version && command -v dbus-send' dbus-daemon dbus-bin || return
  need 'gnome-keyring-daemon --version' gnome-keyring || return
  need 'command -v secret-tool' libsecret-tools || return
  tests "keychain: vault" cargo test -p agentsecrets-core --locked --test keychain -- --ignored
  check "keychain: command is built" cargo build -p agentsecrets-cli --locked
  check "keychain: command keeps its root there" tools/secret-service sh -c "$with_command"
}

# shellcheck disable=SC2016
with_command='
  agentsecrets=$CARGO_TARGET_DIR/debug/agentsecrets
  export AGENTSECRETS_HOME=$HOME/vault AGENTSECRETS_VAULT=keychain
  cd "$HOME" && printf "A=geheim-4711\n" >.env || exit 1
  "$agentsecrets" init --import .env || exit 1
  [ "$("$agentsecrets" secrets get A --reveal)" = geheim-4711 ] || exit 1
  printf neu-4712 | "$agentsecrets" secrets set A || exit 1
  [ "$("$agentsecrets" secrets get A --reveal)" = neu-4712 ] || exit 1
  [ "$(cat "$AGENTSECRETS_HOME/vault.kind")" = keychain ] && [ ! -e "$AGENTSECRETS_HOME/root" ] || exit 1
  ! grep -rqE "4711|4712" "$AGENTSECRETS_HOME"'
