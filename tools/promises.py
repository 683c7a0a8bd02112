#!/usr/bin/env python3
"""Holds SECURITY.md to the tests: each one that it names exists, each invariant has one, each number of a promise is one.

    tools/promises.py             closes with "N passed, N failed"
    tools/promises.py --write     writes the table of invariants from the tests
    tools/promises.py --self-test shows that what is planted is found
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "SECURITY.md"
FOLDER = "conformance/hostile/tests/invariants"
INVARIANTS = range(1, 52)
BEGIN, END = "<!-- invariants: begin -->\n", "<!-- invariants: end -->"
SKIP = {"target", "node_modules", ".cache", ".git"}


def tests():
    """Names of all tests in Rust, as FILE::NAME, with the path of their file."""
    found = {}
    for top in ("agentsecrets-core", "agentsecrets-batch", "agentsecrets-ffi", "bindings", "conformance", "relay-reference"):
        for file in sorted((ROOT / top).rglob("*.rs")):
            if SKIP.isdisjoint(file.relative_to(ROOT).parts):
                for name in re.findall(r"#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)", file.read_text()):
                    stem = file.parent.name if file.stem == "tests" else file.stem
                    found.setdefault(f"{stem}::{name}", set()).add(str(file.relative_to(ROOT)))
    return found


def invariants(found):
    """Number, test and file of each test of the hostile suite, in order."""
    rows = []
    for test, files in found.items():
        number = re.search(r"::i(\d\d)_", test)
        rows += [(int(number.group(1)), test, file) for file in files if number and file.startswith(FOLDER)]
    return sorted(rows)


def table(rows):
    lines = ["| | claim | test |", "|---|---|---|"]
    for number, test, file in rows:
        claim = re.sub(r"^i\d\d_", "", test.split("::")[1]).replace("_", " ")
        lines.append(f"| {number} | {claim} | [`{test.split('::')[0]}`]({file}) |")
    return "\n".join(lines) + "\n"


def numbers(text):
    """The invariants that a row names: `1, 2, 34 to 36`."""
    named = set()
    for first, last in re.findall(r"(\d+)(?: to (\d+))?", text):
        named |= set(range(int(first), int(last or first) + 1))
    return named


def faults(page, found):
    """What does not hold, a line each, and how many things were looked at."""
    rows = invariants(found)
    have = {number for number, _, _ in rows}
    wrong = [f"no test for invariant {number}" for number in INVARIANTS if number not in have]
    named = re.findall(r"`(\w+::\w+)`", page)
    wrong += [f"SECURITY.md names a test that is not there: {name}" for name in named if name not in found]
    promises = re.findall(r"^\| [^|]+ \| ([\d, to]*|–) \| (.*) \|$", page, re.M)
    linked = set().union(*(numbers(text) for text, _ in promises)) if promises else set()
    wrong += [f"no promise rests on invariant {number}" for number in INVARIANTS if number not in linked]
    wrong += [f"a promise names invariant {number}, which is none" for number in sorted(linked - set(INVARIANTS))]
    wrong += [f"a promise without any test: {rest}" for text, rest in promises if not numbers(text) and "`" not in rest]
    if BEGIN + table(rows) + END not in page:
        wrong.append("the table of invariants is not current: tools/promises.py --write")
    return wrong, len(named) + len(INVARIANTS) + len(promises) + 1


def write(page, found):
    before, rest = page.split(BEGIN)
    return before + BEGIN + table(invariants(found)) + END + rest.split(END, 1)[1]


def self_test(page, found):
    """Each fault, planted into the page or the list, is found."""
    first = re.search(r"`(\w+::\w+)`", page).group(1)
    without = {name: files for name, files in found.items() if "::i17_" not in name}
    cases = {
        "a test that is gone": (page.replace(first, "nowhere::nothing", 1), found),
        "an invariant without a test": (page, without),
        "a number that is none": (re.sub(r"\| 1, 2", "| 1, 2, 99", page, count=1), found),
        "a promise that lost its number": (page.replace(" | 48 | ", " | – | "), found),
        "a table of yesterday": (page.replace("rollback", "rolback"), found),
    }
    missed = [what for what, case in cases.items() if not faults(*case)[0]]
    print("\n".join(f"not found: {what}" for what in missed))
    print(f"{len(cases) - len(missed)} passed, {len(missed)} failed")
    return bool(missed)


def main(arguments):
    page, found = PAGE.read_text(), tests()
    if arguments == ["--write"]:
        PAGE.write_text(write(page, found))
        return 0
    if arguments == ["--self-test"]:
        return self_test(page, found)
    wrong, looked = faults(page, found)
    print("\n".join(wrong))
    print(f"{looked - len(wrong)} passed, {len(wrong)} failed")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
