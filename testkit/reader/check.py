#!/usr/bin/env python3
"""An independent reader of the formats, made from agentsecrets-core/spec alone: holds testkit/vectors to them.

    check.py [--self-test]

With --self-test: every expectation in every file is changed, one at a time, and each change has to be noticed.
Closes with "N passed, N failed". Needs PyNaCl, blake3 and mnemonic (the word list of BIP39).
"""
import copy
import sys

import checks

# Words about a case, not expectations; and names of other files.
TALK = {"claim", "scenario", "log"}


def leaves(value, path=()):
    """Paths to everything that a reader has to come to the same result about."""
    if isinstance(value, dict):
        wrong = value.get("verdict", "accepted") != "accepted" or value.get("accepted") is False
        for name, inside in value.items():
            # Of what is refused, only the verdict: changed bytes may be refused as well.
            if name not in TALK and (not wrong or name in ("verdict", "accepted")):
                yield from leaves(inside, (*path, name))
    elif isinstance(value, list):
        for place, inside in enumerate(value):
            yield from leaves(inside, (*path, place))
    elif value is not None:
        yield path


def changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    middle = len(value) // 2
    other = "1" if value[middle:middle + 1] == "0" else "0"
    return value[:middle] + other + value[middle + 1:]


def differs(name, vector):
    try:
        checks.check(name, vector)
        return None
    except Exception as error:  # whatever a reader says, it did not agree
        return f"{type(error).__name__}: {error}"


def self_test(name, vector):
    """Paths whose change goes unnoticed."""
    for path in leaves(vector):
        bent = copy.deepcopy(vector)
        place = bent
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = changed(place[path[-1]])
        if differs(name, bent) is None:
            yield "/".join(map(str, path))


def main(arguments):
    passed = failed = 0
    for file in sorted(checks.VECTORS.glob("*.json")):
        vector = checks.load(file.stem)
        if arguments == ["--self-test"]:
            problems = [f"a change of {path} goes unnoticed" for path in self_test(file.stem, vector)]
        else:
            problems = [problem for problem in [differs(file.stem, vector)] if problem]
        passed, failed = (passed, failed + 1) if problems else (passed + 1, failed)
        for problem in problems[:5]:
            print(f"{file.name}: {problem}")
    if not passed:
        failed += 1
        print("no vector was read")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
