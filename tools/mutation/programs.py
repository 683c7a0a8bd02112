"""Test programs of a tree with switches: which tests pass, what each reaches, and whether one notices a mutant."""
import json
import os
import subprocess
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

# What a device does with others is tried where the others are, as in tools/coverage.
BUILDS = [["-p", "agentsecrets-core", "-p", "agentsecrets-ffi", "--lib", "--tests"],
          ["-p", "relay-reference", "-p", "agentsecrets-hostile", "--features", "agentsecrets-hostile/weakened",
           "--test", "convergence", "--test", "engine", "--test", "strays", "--test", "sync", "--test", "invariants", "--test", "recovery"]]
# Programs that search memory or ask the machine's keychain and libraries: they see no mutant that the others do not.
LEFT_OUT = {"wiping", "keychain", "interop", "docs", "header"}
# A mutant that runs on is noticed: so long a test may take, in seconds, beside ten times what it takes without.
PATIENCE = 30


@dataclass(frozen=True)
class Test:
    program: str
    folder: str
    name: str
    seconds: float


class NotBuilt(Exception):
    """With what the compiler says."""


def built(tree, environment):
    """(program, its package's folder), each built."""
    return [program for words in BUILDS for program in build(tree, environment, words)]


def build(tree, environment, words):
    command = ["cargo", "test", "--locked", "--no-run", "--message-format", "json", *words]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        text = "".join(m["message"]["rendered"] for m in messages if m["reason"] == "compiler-message" and m["message"]["level"] == "error")
        raise NotBuilt(f"the tests do not build:\n{text[-5000:]}{done.stderr[-3000:]}")
    return [(m["executable"], str(Path(m["manifest_path"]).parent)) for m in messages
            if m.get("executable") and m["profile"]["test"] and m["target"]["name"] not in LEFT_OUT]


def listed(program, folder):
    done = subprocess.run([program, "--list", "--format", "terse"], cwd=folder, check=True, capture_output=True, text=True)
    return [line.removesuffix(": test") for line in done.stdout.splitlines() if line.endswith(": test") and "keychain_" not in line]


def reaches(program, folder, name):
    """The test, and the switches that it asked for; None where it fails with all switches off."""
    with tempfile.NamedTemporaryFile("r", prefix="reached-") as seen:
        began = time.monotonic()
        passed = passes(program, folder, [name], {"MUTANT_SEEN": seen.name}, 600)
        test = Test(program, folder, name, time.monotonic() - began)
        return test, {int(line) for line in seen.read().split()} if passed else None


def reach(programs, jobs):
    """{switch: tests that ask for it, the fastest first}, and the tests that fail without any mutant."""
    every = [(program, folder, name) for program, folder in programs for name in listed(program, folder)]
    tests_of, broken = defaultdict(list), []
    with ThreadPoolExecutor(jobs) as pool:
        for test, seen in pool.map(lambda of: reaches(*of), every):
            if seen is None:
                broken.append(test)
            for number in seen or ():
                tests_of[number].append(test)
    for tests in tests_of.values():
        tests.sort(key=lambda test: test.seconds)
    return tests_of, broken


def noticed_by_any(tree, environment, broken):
    """For a mutant that is built in: the first program of which a test fails that does not fail anyway."""
    for words in BUILDS:
        for program, folder in build(tree, environment, words):
            names = [name for name in listed(program, folder) if name not in broken]
            if names and not passes(program, folder, names, {}, 900):
                return title(program)
    return None


def title(program):
    return Path(program).name.rpartition("-")[0]


def passes(program, folder, names, variables, seconds):
    """False too where it takes longer."""
    process = subprocess.Popen([program, "-q", "--exact", *names], cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        return False


def chunks(tests):
    """Tests of one program together, ever more of them: most mutants are noticed by the first."""
    waiting, limit = list(tests), 0.3
    while waiting:
        chosen, total = [], 0.0
        while waiting and (not chosen or total < limit):
            chosen.append(waiting.pop(0))
            total += chosen[-1].seconds
        by_program = defaultdict(list)
        for test in chosen:
            by_program[test.program, test.folder].append(test)
        yield from by_program.items()
        limit *= 2


def noticed(number, tests):
    """By which test, or None; of several run together, the first is named."""
    for (program, folder), group in chunks(tests):
        patience = PATIENCE + 10 * sum(test.seconds for test in group)
        if not passes(program, folder, [test.name for test in group], {"MUTANT": str(number)}, patience):
            return f"{title(program)}: {group[0].name}"
    return None
