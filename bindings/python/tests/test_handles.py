"""Plays every scenario of conformance/handles: what is let through, what is refused and how, what comes back."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, Generator, List, Optional
from urllib.parse import unquote_to_bytes

import pytest

from agentsecrets_core import AgentSecretsError, Handle, Redactor, Secrets, spawn
from agentsecrets_core.testing import member, override

SCENARIOS = Path(__file__).resolve().parents[3] / "conformance/handles"
FILES = sorted(SCENARIOS.glob("*.txt"))


@pytest.fixture(scope="module")
def port() -> Generator[str, None, None]:
    """The server of the scenarios listens there."""
    server = subprocess.Popen([sys.executable, str(SCENARIOS / "server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout
    yield server.stdout.readline().decode().strip()
    server.communicate(timeout=20)


def given(word: str) -> bytes:
    return b"" if word == "-" else unquote_to_bytes(word)


def shown(data: bytes) -> str:
    if data == b"-":
        return "%2D"
    plain = (chr(byte) if 0x21 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02X}" for byte in data)
    return "".join(plain) or "-"


class Stage:
    """One identity in one workspace, and what was taken from it."""

    def __init__(self, port: str) -> None:
        self.port, self.lines = port, list[str]()
        self.client = member(None, "laptop", name="acme")
        self.secrets: Optional[Secrets] = None
        self.handles: List[Handle] = []

    def play(self, line: str) -> None:
        done = line.partition(" = ")[0]
        verb, *words = done.split(" ")
        if verb == "message":
            return
        if verb == "#":
            self.lines.append(line)
            return
        run: Callable[..., Optional[List[str]]] = getattr(self, f"do_{verb}")
        try:
            got = run(*words) or []
            self.lines.append(" ".join([f"{done} = 0", *got]))
        except AgentSecretsError as error:
            self.lines += [f"{done} = {error.number}", f"message {shown(error.message.encode())}"]

    def held(self) -> Secrets:
        assert self.secrets is not None
        return self.secrets

    def do_secret(self, name: str, value: str) -> None:
        self.client.set(name, given(value))
        self.client.push()

    def do_policy(self, name: str, policy: str) -> None:
        self.client.set_secret_policy(name, json.loads(given(policy)))

    def do_shown(self, name: str) -> List[str]:
        return [shown(json.dumps(self.client.secret_policy(name), separators=(",", ":")).encode())]

    def do_load(self) -> None:
        self.secrets = self.client.secrets()

    def do_read(self, name: str) -> List[str]:
        return [shown(self.held()[name].reveal_bytes())]

    def do_handle(self, name: str) -> None:
        self.handles = [self.held().handle(name)]

    def do_narrow(self, methods: str, paths: str, ttl: str, uses: str) -> None:
        lists = [None if word == "-" else given(word).decode().split(",") for word in (methods, paths)]
        time = None if ttl == "-" else int(ttl) / 1000
        narrower = self.handles[-1].attenuate(methods=lists[0], paths=lists[1], ttl=time, uses=None if uses == "-" else int(uses))
        self.handles.append(narrower)

    def do_wider(self) -> None:
        self.handles.pop()

    def do_left(self) -> List[str]:
        left = self.handles[-1].uses_left
        return ["-" if left is None else str(left)]

    def do_reveal(self) -> None:
        self.handles[-1].reveal()

    def do_request(self, method: str, target: str, place: str, header: str, body: str) -> List[str]:
        url = given(target).decode()
        if url.startswith("/"):
            url = f"http://127.0.0.1:{self.port}{url}"
        name, _, value = given(header).decode().partition(":")
        headers: Dict[str, str] = {name: value} if name else {}
        answer = self.handles[-1].request(method, url, headers=headers, body=given(body), place=given(place).decode())
        assert "set-cookie" not in answer.headers
        echo = answer.headers.get("x-echo", "")
        return [str(answer.status), str(answer.redactions), shown(echo.encode()), shown(answer.body)]

    def do_sign(self, message: str) -> List[str]:
        return [self.handles[-1].sign(given(message))]

    def do_redact(self, *pieces: str) -> List[str]:
        redactor = Redactor(self.held())
        stream = redactor.stream()
        out = b"".join(stream.push(given(piece)) for piece in pieces) + stream.finish()
        assert redactor.redact_bytes(b"".join(map(given, pieces))) == out
        return [shown(out)]

    def do_spawn(self, names: str, *command: str) -> List[str]:
        only = [] if names == "-" else names.split(",")
        return [str(spawn([given(word).decode() for word in command], only=only, secrets=self.held()).wait(60))]


def played(text: str, port: str) -> str:
    stage = Stage(port)
    for line in text.splitlines():
        stage.play(line)
    return "\n".join(stage.lines) + "\n"


def test_there_are_all() -> None:
    assert len(FILES) >= 10


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_scenario(file: Path, port: str) -> None:
    expected = file.read_text().replace("{port}", port)
    assert played(expected, port) == expected


def test_a_bent_line_is_noticed(port: str) -> None:
    bent = (SCENARIOS / "echoes.txt").read_text().replace("{port}", port).replace(" = 0 200 1 ", " = 0 200 2 ", 1)
    assert played(bent, port) != bent


def test_values_by_hand_are_used_as_stored_ones_are() -> None:
    with override({"PLAIN": "fake-plain", "KEY": "fake-key-4711", "GIVEN": "fake-given"},
                  policies={"KEY": {"access": "use-only"}, "GIVEN": {"access": "use-only", "environment": True}}) as secrets:
        test = 'test "$PLAIN$GIVEN" = fake-plainfake-given && test -z "$KEY" && exit 41'
        assert spawn(["sh", "-c", test], only=["PLAIN", "GIVEN"]).wait(60) == 41
        for name, number in (("KEY", 901), ("NOBODY", 803)):
            with pytest.raises(AgentSecretsError) as raised:
                spawn(["true"], only=[name], secrets=secrets)
            assert raised.value.number == number
        assert sorted(secrets) == ["PLAIN"]
