# shellcheck shell=sh disable=SC2034,SC2154
# The wheel is built without optimisation; deep builds it as it is shipped, and the source distribution with nothing at hand.
part_python() {
  venv python maturin==1.16.0 pytest==9.2.0 mypy==2.4.1 'pyright[nodejs]==1.1.414' pynacl==1.6.2 pydantic-settings==2.16.3 \
    django==5.2.19 django-stubs==6.1.2 fastapi==0.165.0 httpx==0.28.1 || return
  wheels=$root/.cache/python
  rm -rf "$wheels" && mkdir -p "$wheels" || return
  if [ -n "$deep" ]; then profile=release; else profile=dev; fi
  check "python: wheel" maturin_in bindings/python build --profile $profile --locked --out "$wheels" || return
  wheel=$(echo "$wheels"/*.whl)
  if [ -n "$deep" ]; then check "python: the wheel is smaller than 5 MB" smaller "$wheel"; fi
  check "python: wheel is installed" "$python" -m pip install -q --force-reinstall --no-deps "$wheel" || return
  check "python: mypy --strict" in_python "$python" -m mypy --strict python tests examples
  check "python: pyright, strict" in_python "$python" -m pyright --pythonpath "$python" python tests examples
  check "python: stubs are what is there" in_python "$python" -m mypy.stubtest agentsecrets_core
  need 'dbus-run-session --version' dbus-daemon || return
  need 'gnome-keyring-daemon --version' gnome-keyring || return
  tests "python: tests" in_python "$root/tools/secret-service" "$python" -m pytest -q tests
  binaries || return
  tests "python: the wheel in an empty environment, README, examples, every Python here" \
    bindings/python/check.py "$CARGO_TARGET_DIR/debug" "$wheel" "$python"
  grep -E '^    ' "$log"
  check "python: sdist" maturin_in bindings/python sdist --out "$wheels" || return
  check "python: sdist builds" sdist_builds "$wheels"/*.tar.gz
  free_threaded
}

in_python() (
  cd bindings/python && exec "$@"
)

# maturin asks the Python that is first on PATH.
maturin_in() (
  cd "$1" && shift && PATH="$(dirname "$python"):$PATH" VIRTUAL_ENV="$(dirname "$(dirname "$python")")" exec maturin "$@"
)

smaller() {
  size=$(wc -c <"$1") && echo "$size bytes" && [ "$size" -lt 5000000 ]
}

# What was packed is enough: unpacked elsewhere, with nothing of this folder beside it.
sdist_builds() (
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
  tar -xzf "$1" -C "$work" || exit 1
  for file in LICENSE-MIT LICENSE-APACHE README.md Cargo.lock; do
    find "$work" -name $file -size +0 | grep -q . || { echo "no $file"; exit 1; }
  done
  if [ -n "$deep" ]; then
    "$python" -m venv "$work/venv" && env -u CARGO_TARGET_DIR "$work/venv/bin/pip" install -q "$1" &&
      cd "$work" && "$work/venv/bin/python" -c 'import agentsecrets_core'
  else
    maturin_in "$work"/*/ build --profile dev --out "$work/out"
  fi
)

# The interpreter without a lock needs a build of its own.
free_threaded() {
  for version in 3.15t 3.14t; do
    if command -v python$version >/dev/null; then
      tests "python: without the interpreter's lock, python$version" without_lock python$version
      return
    fi
  done
  echo "note    python: no free-threaded Python here (python3.14t): its wheel was not built and not run"
}

without_lock() {
  folder=$root/.cache/venv-python-$1
  "$1" -m venv "$folder" && "$folder/bin/pip" install -q maturin==1.16.0 pytest==9.2.0 pynacl==1.6.2 pydantic-settings==2.16.3 \
    django==5.2.19 || return 1
  (python=$folder/bin/python && maturin_in bindings/python build --profile dev --locked --out "$wheels/$1") || return 1
  "$folder/bin/pip" install -q --force-reinstall --no-deps "$wheels/$1"/*.whl &&
    in_python "$folder/bin/python" -m pytest -q tests
}
