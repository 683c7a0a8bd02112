# shellcheck shell=sh disable=SC2034,SC2154
# What strangers' trust stands on beside tests of behaviour: promises of the interface, what is beneath us, memory, time.
part_assurance() {
  need 'python3 -c "import tomllib"' python3 || return
  tests "assurance: interface check finds what is planted" tools/public-api --self-test
  check "assurance: public interface is the one promised" tools/public-api
  tests "assurance: version check finds what is planted" tools/semver --self-test
  tests "assurance: version fits what became of the interface" tools/semver
  tests "assurance: dependency check finds what is planted" tools/dependencies --self-test
  check "assurance: crates by feature, a reason for each" tools/dependencies
  tests "assurance: bills of materials" tools/sbom --self-test
  check "assurance: release plan; a wrong tag is refused" release_plan
  tests "assurance: what is dropped is gone, each type" cargo test -p agentsecrets-core --locked --test wiping
  need 'strace --version' strace || return
  need 'gdb --version' gdb || return
  need 'mkfs.ext4 -V' e2fsprogs || return
  need 'dbus-run-session --version && command -v dbus-send' dbus-daemon dbus-bin || return
  need 'gnome-keyring-daemon --version' gnome-keyring || return
  binaries || return
  tests "assurance: no value in clear at rest, four kinds of vault" tools/secret-service tools/at-rest "$CARGO_TARGET_DIR/debug"
  grep -E '^    ' "$log"
  if [ -n "$deep" ]; then deep_assurance; fi
}

# The long ones, the short of them first. Each can be run alone by its command in docs/assurance.md. What passed for these very
# sources is not repeated; after --minutes none is begun any more, and what is left is named.
deep_assurance() {
  begun=$(date +%s) left=''
  passed_here=$root/.cache/assurance/$(sources)
  mkdir -p "$passed_here" || return
  for one in constant_time oldest_compiler oldest_dependencies reproducible coverage swift_package release; do once "$one"; done
  [ -z "$left" ] || echo "left   $left: the same command goes on"
}

# What the sources are, changes that are not committed included.
sources() {
  { git rev-parse 'HEAD^{tree}'; git diff HEAD; git ls-files -o --exclude-standard -z | xargs -0 -r sha256sum; } | sha256sum | cut -c1-16
}

once() {
  if [ -e "$passed_here/$1" ]; then echo "done    assurance: $1, before, of the same sources"; return; fi
  if [ -n "$minutes" ] && [ $(($(date +%s) - begun)) -ge $((${minutes%.*} * 60)) ]; then left="$left $1"; return; fi
  failed_before=$failed
  "deep_$1"
  [ "$failed" != "$failed_before" ] || touch "$passed_here/$1"
}

deep_constant_time() {
  need 'valgrind --version' valgrind || return
  check "assurance: operations with secrets, as released" cargo build --release --locked -p agentsecrets-ffi --example secret-times
  tests "assurance: no time depends on a secret" tools/constant-time "$CARGO_TARGET_DIR/release/examples/secret-times"
  grep -E '^    ' "$log"
}

deep_oldest_compiler() {
  check "assurance: oldest compiler that is promised" oldest_compiler
}

deep_oldest_dependencies() {
  check "assurance: oldest dependencies that are promised" oldest_dependencies
}

deep_reproducible() {
  check "assurance: C library, two builds, one hash" tools/reproducible
  cat "$log"
}

deep_coverage() {
  llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
  need "command -v llvm-cov-$llvm || [ -x \"\$(rustc --print sysroot)/lib/rustlib/\$(rustc -vV | sed -n 's/^host: //p')/bin/llvm-cov\" ]" \
    "llvm-$llvm" || return
  tests "assurance: lines of core's layers 1 to 4" tools/coverage
  grep -E '^    ' "$log"
}

deep_swift_package() {
  check "assurance: Swift's package at the tag, used by a package that has nothing else of ours" swift_package
  tail -n 3 "$log"
}

deep_release() {
  check "assurance: release of this platform, installed where nothing is" release_installs
  tail -n 30 "$log"
}

# A clone with a tag of its own, since the tag is not made here.
tagged_clone() {
  git clone -q --no-hardlinks "$root" "$1" && git -C "$1" tag "v$(version_here)"
}

version_here() {
  sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml
}

release_plan() (
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
  tagged_clone "$work/clone" && cd "$work/clone" && tools/release --plan "v$(version_here)" || exit 1
  git tag v9.9.9
  for wrong in v9.9.9 v0.0.0-none; do
    ! tools/release --plan "$wrong" || { echo "$wrong is taken"; exit 1; }
  done
)

# Built from the tag alone, and each artifact used in a folder that has nothing else of ours.
release_installs() (
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
  venv release maturin==1.16.0 || exit 1
  PATH=$(dirname "$python"):$PATH
  tagged_clone "$work/clone" && "$work/clone/tools/release" "v$(version_here)" "$work/out" && ls -l "$work/out" || exit 1
  mkdir "$work/empty" && cd "$work/empty" || exit 1
  tar -xzf "$work"/out/agentsecrets-c-*.tar.gz && tar -xzf "$work"/out/agentsecrets-[0-9]*.tar.gz &&
    tar -xzf "$work"/out/relay-reference-*.tar.gz || exit 1
  ./agentsecrets --version && ./relay-reference --help >use.log || exit 1
  printf '#include <agentsecrets.h>\nint main(void) { return agentsecrets_abi_version() == AGENTSECRETS_ABI_VERSION ? 0 : 1; }\n' >use.c
  gcc use.c -Iusr/local/include -Lusr/local/lib -lagentsecrets -o use && LD_LIBRARY_PATH=usr/local/lib ./use || exit 1
  python3 -m venv python && python/bin/pip install -q --no-index "$work"/out/*.whl &&
    python/bin/python -c 'import agentsecrets_core; agentsecrets_core.load' || exit 1
  npm install --silent --offline --no-audit "$work"/out/*.tgz && node -e 'require("agentsecrets-core").load' || exit 1
  echo "installed: C library, wheel, npm package; run: command, relay"
)

# Swift's package is the tag itself. The package that uses it lies in the clone, which is all that the toolchain sees.
swift_package() (
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
  tagged_clone "$work/clone" && cd "$work/clone" && cargo build --release --locked -p agentsecrets-swift || exit 1
  PREFIX=$PWD/.cache/prefix bindings/swift/install "$CARGO_TARGET_DIR/release" || exit 1
  mkdir -p .cache/use/Sources/use && cd .cache/use || exit 1
  cat >Package.swift <<'PACKAGE'
// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "use",
    dependencies: [.package(path: "../../bindings/swift")],
    targets: [.executableTarget(name: "use", dependencies: [.product(name: "AgentSecrets", package: "swift")])]
)
PACKAGE
  cat >Sources/use/main.swift <<'MAIN'
import AgentSecrets

let identity = try Identity(generating: .agent)
let sealed = try SealedBox.seal(Secret("fake-value-1"), to: identity.recipient)
print(try identity.unseal(sealed) == Secret("fake-value-1") ? "a box is sealed and opened" : "another value")
MAIN
  PKG_CONFIG_PATH=$work/clone/.cache/prefix/lib/pkgconfig ../../tools/swift-env "$root/.cache/swift" swift run use >use.log 2>&1
  cat use.log
  grep -qx "a box is sealed and opened" use.log
)

# rust-version is a promise where it is built with; where the toolchain is not there, rustup gets it.
oldest_compiler() {
  oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  rustup toolchain list | grep -q "^$oldest" || rustup toolchain install "$oldest" --profile minimal || return 1
  CARGO_TARGET_DIR="$CARGO_TARGET_DIR/oldest" cargo "+$oldest" check -p agentsecrets-core -p agentsecrets-ffi -p agentsecrets-cli \
    -p relay-reference --locked && rm -rf "$CARGO_TARGET_DIR/oldest"
}

# The lowest versions that our own Cargo.toml files name, everything beneath them as the lock file has it or newer.
oldest_dependencies() (
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
  git clone -q "$root" "$work/clone" && cd "$work/clone" && rm Cargo.lock || exit 1
  RUSTC_BOOTSTRAP=1 cargo update -q -Z direct-minimal-versions && CARGO_TARGET_DIR="$CARGO_TARGET_DIR/lowest" \
    cargo check -p agentsecrets-core -p agentsecrets-ffi -p agentsecrets-cli -p relay-reference --locked &&
    rm -rf "${CARGO_TARGET_DIR:?}/lowest"
)
