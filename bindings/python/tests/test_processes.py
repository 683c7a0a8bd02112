"""Threads, fork(), and the end of the interpreter."""
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, List

import pytest

from agentsecrets_core import Client, Identity, errors, load, seal_many
from agentsecrets_core.io import Machine
from agentsecrets_core.testing import MemoryRelay


def python(code: str, *arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *arguments, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


def in_child(run: Callable[[], object]) -> str:
    """The name of the exception that it ends with in a child of fork(), or "" where it works."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            run()
        except BaseException as error:
            said = type(error).__name__
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return said


fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@fork
def test_after_fork_values_work_and_handles_say_so(home: Path, relay: MemoryRelay) -> None:
    client, secrets = Client(), load()
    machine = Machine.sync((Identity.generate("human"), 1, bytes(32)), "ab" * 32)
    assert in_child(lambda: secrets["API_TOKEN"].reveal()) == ""
    assert in_child(load) == ""
    assert in_child(lambda: Client().sync()) == ""
    assert in_child(client.sync) == "VaultForked"
    assert in_child(client.secrets) == "VaultForked"
    assert in_child(lambda: machine.next(1)) == "VaultForked"
    assert in_child(relay.stop) == ""
    assert client.secrets()["API_TOKEN"] == "fake-value-2" and secrets.refresh() is not None


@fork
def test_fork_while_other_threads_are_inside(home: Path) -> None:
    stop = threading.Event()
    failed: List[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                load()["API_TOKEN"].reveal()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert in_child(lambda: load()["API_TOKEN"].reveal()) == ""
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed


def test_many_threads_on_the_same_objects(home: Path) -> None:
    client, secrets = Client(), load()
    failed: List[BaseException] = []

    def work(n: int) -> None:
        try:
            for turn in range(6):
                assert secrets["API_TOKEN"].reveal().startswith("fake")
                secrets.refresh()
                client.set(f"NAME_{n}", f"fake-{turn}")
                client.list()
                client.secrets()[f"NAME_{n}"].reveal()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]
    assert len(client.secrets()) == 10


def turns_beside(boxes: int) -> int:
    """How often this thread had a turn while another sealed so many boxes."""
    key, done = Identity.generate("human").recipient, threading.Event()

    def work() -> None:
        seal_many(key, [bytes(2000)] * boxes)
        done.set()

    turns = 0
    thread = threading.Thread(target=work)
    thread.start()
    while not done.is_set():
        turns += 1
        time.sleep(0.001)
    thread.join()
    return turns


def test_other_threads_run_while_one_is_inside() -> None:
    """With the lock held there would be a turn or two, however many the boxes; how long they take is the machine's affair."""
    assert any(turns_beside(2000 << more) > 10 for more in range(6))


def test_nothing_happens_at_import(tmp_path: Path) -> None:
    """No file of a vault, no thread, no output; and no module that costs time."""
    code = ("import sys, threading; before = set(sys.modules); import agentsecrets_core;"
            "print(threading.active_count(), sorted(set(sys.modules) - before))")
    done = python(code, cwd=tmp_path)
    assert done.returncode == 0 and not done.stderr, done.stderr
    count, _, modules = done.stdout.partition(" ")
    assert count == "1"
    slow = {"json", "asyncio", "typing", "logging", "ssl", "socket", "dataclasses", "importlib.metadata", "threading", "queue"}
    assert not slow & set(eval(modules)), modules
    assert not list(tmp_path.iterdir())


ENDS = {
    "a watch waits in a daemon thread":
        "threading.Thread(target=lambda: next(s.watch()), daemon=True).start(); time.sleep(.3)",
    "daemon threads are inside":
        "[threading.Thread(target=lambda: [a.load() for _ in iter(int, 1)], daemon=True).start() for _ in range(4)]; time.sleep(.2)",
    "an open client and a relay": "from agentsecrets_core.testing import MemoryRelay; r = MemoryRelay(); w = s.watch()",
    "an exception with a secret in its frame": "value = s['API_TOKEN']; 1 / 0",
    "exit in the middle": "sys.exit(0)",
    "used while modules go": "class E:\n    def __del__(self): s['API_TOKEN'].reveal()\ne = E(); sys.keep = e",
    "used by atexit": "import atexit; atexit.register(lambda: a.load()['API_TOKEN'].reveal())",
}


@pytest.mark.parametrize("name", ENDS)
def test_the_end_of_the_interpreter(home: Path, name: str) -> None:
    code = f"import sys, threading, time, agentsecrets_core as a\ns = a.load(); c = a.Client()\n{ENDS[name]}"
    for _ in range(3):
        done = python(code)
        assert done.returncode == (1 if "1 / 0" in code else 0), (done.returncode, done.stderr)
        assert "fake-value" not in done.stderr + done.stdout and "panicked" not in done.stderr


def test_ctrl_c_ends_a_watch(home: Path) -> None:
    import signal

    # A background job is started with the signal ignored.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\nimport agentsecrets_core as a\ns = a.load(); print('waits', flush=True)\nfor change in s.watch(): pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "waits\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        try:
            _, stderr = process.communicate(timeout=10)
        finally:
            process.kill()
    assert "KeyboardInterrupt" in stderr and process.returncode in (1, -2, 130)


@pytest.mark.skipif("DBUS_SESSION_BUS_ADDRESS" not in os.environ, reason="no Secret Service: tools/secret-service brings one")
def test_a_keychain_vault_in_parent_and_child(home: Path, monkeypatch: pytest.MonkeyPatch, relay: MemoryRelay) -> None:
    from agentsecrets_core import init

    monkeypatch.setenv("AGENTSECRETS_VAULT", "keychain")
    monkeypatch.setenv("AGENTSECRETS_HOME", str(home / "keychain"))
    monkeypatch.delenv("AGENTSECRETS_VAULT_KEY_FILE")
    init("desk")
    with Client() as client:
        monkeypatch.setenv("AGENTSECRETS_WORKSPACE", client.create("acme", "desk", "").id)
        client.set("API_TOKEN", "fake-value-9")
        client.push()
        assert load()["API_TOKEN"] == "fake-value-9"
        assert in_child(lambda: load()["API_TOKEN"].reveal()) in ("", "KeychainError")
        assert load()["API_TOKEN"] == "fake-value-9" and client.secrets()["API_TOKEN"] == "fake-value-9"


def test_a_secret_of_a_closed_client_stays(home: Path) -> None:
    with Client() as client:
        secret = client.secrets()["API_TOKEN"]
    assert secret.reveal() == "fake-value-2"
    with pytest.raises(errors.Closed):
        client.list()
