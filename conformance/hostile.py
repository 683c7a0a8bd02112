#!/usr/bin/env python3
"""Runs every invariant's test twice: with the client as it is, and with one that lacks the check.

    conformance/hostile.py TESTS     TESTS is the test binary `invariants`, built with --features weakened

Prints a table; the last line says how many passed. A test that fails with the honest client has
found a hole; one that passes with the weakened client would not notice one.
"""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

INVARIANTS = 51
# Where no single check enforces the claim: what the weakened client does instead.
INSTEAD = {
    25: "follows a branch that does not hold its pin",
    30: "encrypts names under the first generation",
    41: "pads nothing",
    42: "writes names in clear",
    43: "reads answers without a limit",
    44: "takes a page's first entry unseen",
    46: "keeps no attempt before it sends",
    47: "shows the seed in Debug",
}


def run(binary, name, without=None):
    """(passed, whether the attack began, output) of one test in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "AGENTSECRETS_WEAKEN"}
    if without is not None:
        environment["AGENTSECRETS_WEAKEN"] = str(without)
    try:
        done = subprocess.run([binary, "--exact", name, "--nocapture"], env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    except subprocess.TimeoutExpired as error:
        return False, True, f"{name} does not end\n{error.output}"
    output = done.stdout.decode(errors="replace")
    return done.returncode == 0, "the attack begins" in output, output


def both(binary, name):
    number = int(re.search(r"::i(\d\d)_", name).group(1))
    return number, name, run(binary, name), run(binary, name, number)


def main():
    binary = sys.argv[1]
    listed = subprocess.run([binary, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    names = sorted(re.findall(r"^(\w+::i\d\d_\w+): test$", listed, re.M), key=lambda name: name.split("::i")[1])
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda name: both(binary, name), names))
    passed = failed = 0
    print("  n  honest  weakened  claim (file); what the weakened client does, where it is not one check less")
    for number, name, (held, _, output), (unnoticed, began, weak) in results:
        caught = not unnoticed and began
        file, claim = name.split("::i", 1)
        instead = f"; {INSTEAD[number]}" if number in INSTEAD else ""
        print(f" {number:2}  {'holds ' if held else 'BROKEN'}  {'caught' if caught else 'MISSED'}    "
              f"{claim[3:].replace('_', ' ')} ({file}.rs{instead})")
        for line in re.findall(r"^.* at the peak.*$", output, re.M):
            print(f"     measured: {line}")
        if not held:
            print(output)
        if not caught and not began:
            print(weak)
        for good in held, caught:
            passed, failed = passed + good, failed + (not good)
    missing = sorted(set(range(1, INVARIANTS + 1)) - {result[0] for result in results})
    if missing:
        print(f"no test for: {' '.join(map(str, missing))}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
