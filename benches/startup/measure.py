#!/usr/bin/env python3
"""The warm start as a user feels it: a whole process from nothing to 100 secrets in hand.

    benches/startup/measure.py BINARIES [ROUNDS] [LANGUAGE...]

Rows run in turns, so that a busy machine slows all of them alike; medians and minima are printed, and for each row the
ratio to the bare process of its language and what it adds to that. Each language brings its rows in a file beside this one,
`rows_LANGUAGE.py`, with one function:

    def rows(place): -> iterable of Row; or raises Missing(how to install what is not there)

Rows of a keychain vault are left out where there is no Secret Service; `tools/secret-service COMMAND...` brings one.
"""
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "tools")]
from stage import Member, expect  # noqa: E402

# The rows' files import what stands here: from this program, not from a second copy of it.
sys.modules.setdefault("measure", sys.modules[__name__])

SECRETS = 100
VALUES = {f"NAME_{n}": f"fake-value-{n}" for n in range(SECRETS)}
# What a row prints to show that it has all values: their lengths, summed up.
SUM = str(sum(map(len, VALUES.values()))).encode()


class Missing(Exception):
    """A language or a peer is not here; the text is the command that installs it."""


@dataclass
class Row:
    """One command in the project folder of the device whose vault is `vault`; `stdout` is what it has to print, None for
    whatever."""

    name: str
    command: list
    stdout: "bytes | None" = SUM
    bare: bool = False  # the language's process that does nothing, to which the following rows are compared
    vault: str = "file"
    environment: dict = field(default_factory=dict)


class Place:
    """Where rows run: two devices that hold the 100 values, `members["file"]` and `members["keychain"]` (not there where
    there is no Secret Service), and `dotenv`, a .env of the same values."""

    def __init__(self, binaries, folder):
        self.binaries, self.folder = binaries, folder
        self.dotenv = folder / "values.env"
        self.dotenv.write_text("".join(f"{name}={value}\n" for name, value in VALUES.items()))
        self.members = {"file": self.solo(binaries, folder, "file")}
        if "DBUS_SESSION_BUS_ADDRESS" in os.environ:
            bus = {name: os.environ[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")}
            self.members["keychain"] = self.solo(binaries, folder, "keychain", AGENTSECRETS_VAULT="keychain", **bus)

    @staticmethod
    def solo(binaries, folder, name, **variables):
        member = Member(binaries, folder, name, **variables)
        if variables:
            del member.environment["AGENTSECRETS_VAULT_KEY_FILE"]
        member.run("init", "--label", "solo")
        member.run("workspace", "create", "bench")
        file = folder / "values.json"
        file.write_text(json.dumps(VALUES))
        member.run("secrets", "import", str(file))
        return member


def once(place, row):
    member = place.members[row.vault]
    environment = {**member.environment, **row.environment}
    start = time.perf_counter()
    done = subprocess.run([str(word) for word in row.command], cwd=member.project, env=environment, capture_output=True)
    spent = time.perf_counter() - start
    expect(done.returncode == 0, f"{row.name} ends with {done.returncode}: {done.stderr.decode()[-800:]}")
    expect(row.stdout is None or done.stdout.strip() == row.stdout, f"{row.name} prints {done.stdout[:80]!r}")
    return spent * 1000


def languages():
    return sorted(file.stem.removeprefix("rows_") for file in HERE.glob("rows_*.py"))


def collect(place, wanted):
    for language in wanted:
        try:
            rows = importlib.import_module(f"rows_{language}").rows(place)
            yield from (row for row in rows if row.vault in place.members)
        except Missing as missing:
            print(f"not measured: {language}: {missing}")


def table(rows, spent, rounds):
    print(f"{'median ms':>10} {'least ms':>10} {'ratio':>7} {'adds ms':>8}   {rounds} rounds in turns")
    base = None
    for row in rows:
        median = statistics.median(spent[row.name])
        base = median if row.bare or base is None else base
        print(f"{median:10.2f} {min(spent[row.name]):10.2f} {median / base:7.2f} {median - base:8.2f}   {row.name}")


def main(binaries, rounds, wanted):
    folder = Path(tempfile.mkdtemp(prefix="agentsecrets-startup-"))
    try:
        place = Place(binaries, folder)
        rows = list(collect(place, wanted or languages()))
        spent = {row.name: [] for row in rows}
        for _ in range(rounds):
            for row in rows:
                spent[row.name].append(once(place, row))
        table(rows, spent, rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    arguments = sys.argv[2:]
    rounds = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 50
    main(Path(sys.argv[1]).resolve(), rounds, arguments)
