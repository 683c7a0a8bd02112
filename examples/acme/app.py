#!/usr/bin/env python3
"""The program of the example: shows that it has every value, and shows no value.

    app.py              digests of what is in the environment; exit code 1 if a name of names.txt is missing
    app.py --file FILE  digests of what a .env file says, read by the few lines below and by nothing else

Prints JSON, {NAME: SHA-256 of "NAME=value"}. Equal output means equal values.
"""
import hashlib
import json
import os
import re
import sys
from pathlib import Path

LINE = re.compile(r"""
    (?:[ \t]*(?:\#[^\n]*)?\n) |                                          # empty, or a comment
    [ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*(?:
        '(?P<single>[^']*)' | "(?P<double>(?:\\.|[^"\\])*)" | (?P<bare>[^\n'"]?[^\n]*?)
    )[ \t]*(?:(?<=[ \t])\#[^\n]*)?(?:\n|\Z)
    """, re.VERBOSE | re.DOTALL | re.ASCII)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def names(environment):
    """What the program needs: a name alone everywhere, else in the environments that follow it."""
    lines = Path(__file__).with_name("names.txt").read_text().splitlines()
    return [name for name, *where in map(str.split, lines) if not where or environment in where]


def read(text):
    """{NAME: value} of a .env file."""
    values, place = {}, 0
    while place < len(text):
        line = LINE.match(text, place)
        if not line:
            sys.exit(f"line {text.count(chr(10), 0, place) + 1} cannot be read")
        place = line.end()
        if line["name"]:
            values[line["name"]] = line["single"] if line["single"] is not None else line["bare"]
            if line["double"] is not None:
                values[line["name"]] = re.sub(
                    r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), line["double"], flags=re.DOTALL)
    return values


def digests(values):
    return {name: hashlib.sha256(f"{name}={value}".encode()).hexdigest() for name, value in sorted(values.items())}


def main():
    if sys.argv[1:2] == ["--file"]:
        values = read(Path(sys.argv[2]).read_text(encoding="utf-8"))
    else:
        needed = names(os.environ.get("ACME_ENV", "no environment"))
        values = {name: os.environ[name] for name in [*needed, *names("optional")] if name in os.environ}
    missing = set(names(values.get("ACME_ENV", "no environment"))) - values.keys()
    if missing:
        print("missing:", *sorted(missing), file=sys.stderr)
        sys.exit(1)
    print(json.dumps(digests(values), indent=2))


if __name__ == "__main__":
    main()
