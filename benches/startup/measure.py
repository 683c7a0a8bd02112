#!/usr/bin/env python3
"""The warm start as a user feels it: a whole process from nothing to one of 100 secrets in hand.

    benches/startup/measure.py BINARIES [ROUNDS]

Rows run in turns, so that a busy machine slows all of them alike; medians and minima are printed, and the
ratio to the first row. Add a row for each language: a name, a command, and what it has to print.
"""
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
from stage import Member, expect  # noqa: E402

SECRETS = 100
WANTED = f"fake-value-{SECRETS // 2}"


def rows(member):
    """(name, command, what stdout has to be)."""
    binary = member.binary
    return [
        ("a process that does nothing (true)", ["true"], b""),
        ("agentsecrets --version", [binary, "--version"], None),
        (f"agentsecrets secrets get, 1 of {SECRETS}, file vault",
         [binary, "secrets", "get", f"NAME_{SECRETS // 2}", "--reveal"], WANTED.encode()),
        (f"agentsecrets run -- true, all {SECRETS}", [binary, "run", "--", "true"], b""),
    ]


def once(member, command, wanted):
    start = time.perf_counter()
    done = subprocess.run(command, cwd=member.project, env=member.environment, capture_output=True, check=True)
    spent = time.perf_counter() - start
    expect(wanted is None or done.stdout == wanted, f"{command[1:3]} prints what it has to")
    return spent * 1000


def main(binaries, rounds):
    folder = Path(tempfile.mkdtemp(prefix="agentsecrets-startup-"))
    try:
        member = Member(binaries, folder, "solo")
        member.run("init", "--label", "solo")
        member.run("workspace", "create", "bench")
        file = folder / "values.json"
        file.write_text(json.dumps({f"NAME_{n}": f"fake-value-{n}" for n in range(SECRETS)}))
        member.run("secrets", "import", str(file))
        table = rows(member)
        spent = {name: [] for name, _, _ in table}
        for _ in range(rounds):
            for name, command, wanted in table:
                spent[name].append(once(member, command, wanted))
        base = statistics.median(spent[table[0][0]])
        print(f"{'median ms':>10} {'least ms':>10} {'ratio':>7}   {rounds} rounds in turns")
        for name, times in spent.items():
            median = statistics.median(times)
            print(f"{median:10.2f} {min(times):10.2f} {median / base:7.2f}   {name}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 50)
