"""Plays every scenario of conformance/scenarios on the step machine and writes the transcript anew, byte for byte."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest

from agentsecrets_core import AgentSecretsError, Identity
from agentsecrets_core._native import Secrets
from agentsecrets_core.io import Machine

SCENARIOS = Path(__file__).resolve().parents[3] / "conformance/scenarios"
FILES = sorted(SCENARIOS.glob("*.txt"))


def shown(data: bytes) -> str:
    return data.hex() or "-"


def given(word: str) -> bytes:
    return b"" if word == "-" else bytes.fromhex(word)


class Stage:
    """One machine at a time, and the lines of what happens."""

    def __init__(self) -> None:
        self.lines: List[str] = []
        self.identity: Optional[Identity] = None
        self.machine: Optional[Machine] = None

    def say(self, line: str, run: Callable[[], str]) -> None:
        """The line with what comes of it, and what the error says."""
        try:
            self.lines.append(f"{line} = 0{run()}")
        except AgentSecretsError as error:
            self.lines += [f"{line} = {error.number}", f"message {shown(error.message.encode())}"]

    def start(self, words: List[str]) -> None:
        _, operation, now, entropy, *rest = words
        assert self.identity
        seed = (self.identity, int(now), bytes.fromhex(entropy))
        arguments: List[Any] = [given(word).decode() for word in rest]
        if operation == "set":
            arguments[3] = given(rest[3])
        begin: Callable[..., Machine] = getattr(Machine, operation)

        def run() -> str:
            self.machine = None
            self.machine = begin(seed, *arguments)
            return ""

        self.say(" ".join(words), run)

    def next(self, now: str) -> None:
        assert self.machine
        self.lines.append(f"next {now} = {task_line(self.machine.next(int(now)))}")

    def reply(self, words: List[str]) -> None:
        kind, step, rest = words[0], int(words[1]), words[2:]
        assert self.machine
        replies: Dict[str, Callable[[], None]] = {
            "loaded": lambda: machine.loaded(step, None if rest[0] == "none" else given(rest[0])),
            "stored": lambda: machine.stored(step),
            "answered": lambda: machine.answered(step, int(rest[0]), given(rest[2]), None if rest[1] == "-1" else int(rest[1])),
            "failed": lambda: machine.failed(step, int(rest[0])),
        }
        machine = self.machine
        self.say(" ".join(words), lambda: replies[kind]() or "")

    def finish(self) -> None:
        machine = self.machine
        assert machine
        self.say("finish", lambda: outcome_line(machine.outcome()))

    def play(self, line: str) -> None:
        words = line.partition(" = ")[0].split(" ")
        kind = words[0]
        if kind == "#":
            self.lines.append(line)
        elif kind == "identity":
            self.identity = Identity.parse(words[1])
            self.lines.append(f"identity {self.identity.string().reveal()}")
        elif kind == "start":
            self.start(words)
        elif kind == "next":
            self.next(words[1])
        elif kind == "close":
            assert self.machine
            self.machine.close()
            self.lines.append("close = 0")
        elif kind == "finish":
            self.finish()
        elif kind != "message":
            self.reply(words)


def task_line(task: Tuple[Any, ...]) -> str:
    kind = task[0].upper()
    if kind == "STORE":
        return f"STORE {task[1]} {task[2]} {shown(task[3])}"
    if kind == "SEND":
        headers = "".join(f"{name}: {value}\n" for name, value in task[4])
        return f"SEND {task[1]} {task[2]} {task[3]} {shown(headers.encode())} {shown(task[5])}"
    return " ".join([kind, *map(str, task[1:])])


def outcome_line(outcome: Any) -> str:
    if outcome is None:
        return " nothing"
    if isinstance(outcome, str):
        return f" text {shown(outcome.encode())}"
    if isinstance(outcome, Secrets):
        rows = "".join(f" {name} {shown(outcome[name].reveal_bytes())}" for name in outcome.names())
        return f" secrets {len(outcome)}{rows}"
    return " secret"


def test_there_are_all() -> None:
    assert len(FILES) >= 52


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_scenario(file: Path) -> None:
    stage, expected = Stage(), file.read_text()
    for line in expected.splitlines():
        stage.play(line)
    assert "\n".join(stage.lines) + "\n" == expected


def test_a_changed_line_is_noticed() -> None:
    expected = (SCENARIOS / "create-on-relay.txt").read_text().replace("STORE 4", "STORE 5")
    stage = Stage()
    for line in expected.splitlines():
        stage.play(line)
    assert "\n".join(stage.lines) + "\n" != expected
