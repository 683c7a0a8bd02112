# shellcheck shell=sh disable=SC2034,SC2154
part_examples() {
  for environment in development staging production; do
    check "examples: acme $environment" acme "$environment"
  done
}

# The program finds at least 25 values in its file, with a large one, and not one without an environment.
acme() (
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
  cp "examples/acme/.env.$1" "$work/env" && examples/acme/make-large-value "$work/env" || exit 1
  [ "$(wc -c <"$work/env")" -gt 40960 ] || exit 1
  examples/acme/app.py --file "$work/env" | tee "$work/digests" || exit 1
  [ "$(grep -c '^  "' "$work/digests")" -ge 26 ] || exit 1
  ! env -i PATH="$PATH" ACME_ENV="$1" examples/acme/app.py
)
