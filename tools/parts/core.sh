# shellcheck shell=sh disable=SC2034,SC2154
part_core() {
  # Those with a keychain of their own are the part keychain.
  tests "core: tests" cargo test -p agentsecrets-core --locked --no-fail-fast -- --skip keychain_
  check "core: builds without edges" cargo check -p agentsecrets-core --no-default-features --locked
  check "core: no I/O crate without edges" no_io_crates
}

# Sockets, files, clocks and randomness belong to the edges; nothing of them may come in below.
no_io_crates() {
  tree=$(cargo tree -p agentsecrets-core --no-default-features -e no-dev --target all --prefix none \
    --format '{p}' --locked) || return 1
  echo "$tree" | awk '{ print $1 }' | sort -u >"$logs/crates"
  [ -s "$logs/crates" ] || return 1
  for crate in getrandom ureq tokio mio socket2 hyper reqwest rustls native-tls openssl keyring keyring-core \
    zbus dbus-secret-service secret-service rusqlite libsqlite3-sys postgres tempfile dirs tracing log; do
    if grep -qx "$crate" "$logs/crates"; then
      echo "agentsecrets-core without edges depends on $crate:"
      cargo tree -p agentsecrets-core --no-default-features -e no-dev --target all -i "$crate"
      return 1
    fi
  done
}
