"""A relay in memory, and members over it."""
import os
from pathlib import Path
from typing import Iterator

import pytest

from agentsecrets_core import Client, init
from agentsecrets_core.testing import MemoryRelay, member

pytest_plugins = ["pytester"]


@pytest.fixture
def relay() -> Iterator[MemoryRelay]:
    with MemoryRelay() as relay:
        yield relay


@pytest.fixture
def laptop(relay: MemoryRelay) -> Client:
    """A founder with two values pushed."""
    client = member(relay, "laptop")
    client.set("DATABASE_URL", "fake-value-1")
    client.set("API_TOKEN", b"fake-value-2")
    client.push()
    return client


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: MemoryRelay) -> Path:
    """A vault in files with two values, as the environment variables of a program name it."""
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    settings = {"AGENTSECRETS_HOME": tmp_path / "home", "AGENTSECRETS_VAULT": "file", "AGENTSECRETS_VAULT_KEY_FILE": key}
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    init("laptop")
    client = Client()
    workspace = client.create("acme", "laptop", relay.url)
    monkeypatch.setenv("AGENTSECRETS_WORKSPACE", workspace.id)
    client.set("DATABASE_URL", "fake-value-1")
    client.set("API_TOKEN", "fake-value-2")
    client.push()
    return tmp_path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The line that ./test counts."""
    count = {kind: len(terminalreporter.stats.get(kind, [])) for kind in ("passed", "failed", "error", "skipped")}
    terminalreporter.write_line(f"{count['passed']} passed, {count['failed'] + count['error']} failed, {count['skipped']} skipped")
