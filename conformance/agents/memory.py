#!/usr/bin/env python3
"""What an agent's process holds: its core, environment, arguments and output, searched for a value in every form.

    conformance/agents/memory.py BINARIES [NAME...]    closes with "N passed, N failed"

Cores are taken by gcore, of all mappings. The same search is shown to find: each form in a process that holds them, and the
value in the broker, where it has to be.
"""
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from broker import Stage  # noqa: E402
from stage import Failed, expect  # noqa: E402
from stagehands import Tests  # noqa: E402

# With characters that each escape changes, so that no form is the value itself.
SECRET = 'fake-live+4f9c/2b7e="8d1a\\6035"&only%for<tests>???>>>~~~'
OTHER = 'fake-other+98a7/c6b5="d4e3\\f210"&only%for<tests>???>>>~~~'
test = Tests()


def tool(path):
    """A script of this repository, as a module."""
    loader = importlib.machinery.SourceFileLoader(path.name.replace("-", "_"), str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


search = tool(ROOT / "tools/search-leaks")

# An agent that asks its broker's socket, and an SDK with a base URL in the same process.
AGENT = """
import json, os, socket, sys, urllib.request
s = socket.socket(socket.AF_UNIX); s.connect(os.environ["AGENTSECRETS_BROKER"]); f = s.makefile("rwb")
def say(question):
    f.write(json.dumps(question).encode() + b"\\n"); f.flush(); return f.readline().decode()
kept = [say({"token": os.environ["AGENTSECRETS_BROKER_TOKEN"]}), say({"ask": "names"})]
for url in sys.argv[1:]:
    kept.append(say({"ask": "request", "name": "KEY", "method": "GET", "url": url, "reason": "a test"}))
sdk = urllib.request.Request(os.environ["API_BASE_URL"] + "/chat", headers={"Authorization": "Bearer " + os.environ["KEY"]})
kept.append(urllib.request.urlopen(sdk).read().decode())
print(*kept, "ready", sep="\\n", flush=True)
sys.stdin.read()
"""
# Holds a value in every form that is searched for: as a program would that had been given it.
CONTROL = """
import base64, json, os, sys, urllib.parse
text = os.environ["OTHER"]
value = text.encode()
around = [b"x" * shift + value + b"yy" for shift in range(3)]
kept = [value.hex(), value.hex().upper(), json.dumps(text), urllib.parse.quote(text, safe="")]
kept += [encode(each) for each in around for encode in (base64.b64encode, base64.urlsafe_b64encode)]
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def running(stage, *arguments, **options):
    """A command of the member's, ended with its input."""
    process = stage.member.start(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    try:
        yield process
    finally:
        process.communicate(timeout=30)


def until_ready(process):
    lines = []
    for line in process.stdout:
        if line == b"ready\n":
            return b"".join(lines)
        lines.append(line)
    raise Failed(f"the program ends early: {b''.join(lines)!r}")


def core_of(pid, folder):
    """All mappings of a process, in a file of a folder."""
    done = subprocess.run(["gcore", "-a", "-o", str(folder / "core"), str(pid)], capture_output=True, text=True, check=False)
    core = folder / f"core.{pid}"
    expect(core.is_file(), f"gcore: {done.stdout}{done.stderr}")
    expect(core.read_bytes()[:4] == b"\x7fELF" and core.stat().st_size > 1_000_000, "it is a core")


def seen_of(stage, process, printed=b""):
    """What is to be seen of a process from outside and, by its core, from inside: a folder."""
    folder = stage.folder / f"process-{process.pid}"
    folder.mkdir()
    for part in ("environ", "cmdline"):
        (folder / part).write_bytes(Path("/proc", str(process.pid), part).read_bytes())
    (folder / "output").write_bytes(printed)
    core_of(process.pid, folder)
    return folder


def found_in(folder):
    """{"NAME as FORM": file} of everything that is found."""
    wanted = search.patterns({"KEY": SECRET.encode(), "OTHER": OTHER.encode()})
    return {what: file.name for file in search.files_below([folder]) for what, _ in search.places(file, wanted)}


def used(stage):
    """How often the server was sent the key."""
    return [request[2].get("authorization") for request in stage.upstream.requests].count(f"Bearer {SECRET}")


@test
def an_agents_core_environment_arguments_and_output_hold_no_byte_of_a_value(stage):
    base = f"API_BASE_URL=KEY@{stage.url('/v1')}"
    command = [sys.executable, "-c", AGENT, stage.url(), stage.url("/v1/events")]
    with running(stage, "run", "--broker", "--base-url", base, "--", *command) as agent:
        printed = until_ready(agent)
        found = found_in(seen_of(stage, agent, printed))
    expect(printed.count(b'"status":200') == 2 and printed.count(b"[redacted KEY]") == 3, f"the agent used the key: {printed!r}")
    expect(used(stage) == 3, "the server got the key")
    expect(not found, f"found: {found}")


@test
def each_form_is_found_in_a_process_that_holds_it(stage):
    stage.member.run("policy", "OTHER", "--readable")
    with running(stage, "run", "--only", "OTHER", "--", sys.executable, "-c", CONTROL) as control:
        until_ready(control)
        folder = seen_of(stage, control)
        found = found_in(folder)
    forms = set(search.encodings(OTHER.encode()).values())
    missing = {f"OTHER as {form}" for form in forms} - set(found)
    expect(len(forms) >= 11 and not missing, f"not found: {missing}")
    core = next(folder.glob("core.*"))
    (folder / "environ").unlink()
    expect(set(found_in(folder).values()) == {core.name}, "in the core, also without its environment's file")
    expect(not any(what.startswith("KEY") for what in found), "what it was not given is not there")


@test
def the_mcp_server_beside_a_broker_holds_no_byte_of_a_value(stage):
    broker = stage.broker()
    stage.member.environment.update(AGENTSECRETS_VAULT_KEY_FILE="/nonexistent", **broker.variables)
    call = {"name": "KEY", "method": "GET", "url": stage.url(), "reason": "a test"}
    with running(stage, "mcp") as server:
        def ask(number, method, params):
            message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            server.stdin.write(json.dumps(message).encode() + b"\n")
            server.stdin.flush()
            return server.stdout.readline()

        printed = ask(1, "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}})
        printed += ask(2, "tools/call", {"name": "list_secrets", "arguments": {}})
        printed += ask(3, "tools/call", {"name": "call", "arguments": call})
        found = found_in(seen_of(stage, server, printed))
    expect(b"[redacted KEY]" in printed and used(stage) == 1, f"the key was used: {printed!r}")
    expect(not found, f"found: {found}")


@test
def the_broker_holds_the_value_and_nobody_else_may_look(stage):
    """Root may, and finds it, which shows that the search would find it elsewhere; the broker's own user may not."""
    broker = stage.broker()
    broker.agent().close()
    folder = stage.folder / "broker"
    folder.mkdir()
    pid = broker.process.pid
    if os.geteuid() == 0:
        core_of(pid, folder)
        found = found_in(folder)
        expect("KEY as raw" in found, f"the broker holds it: {found}")
        # The owner of what cannot be dumped is root.
        expect(os.stat(f"/proc/{pid}/mem").st_uid == 0, "the kernel counts it as root's")
    else:
        subprocess.run(["gcore", "-o", str(folder / "core"), str(pid)], capture_output=True, check=False)
        expect(not list(folder.glob("core.*")), "its own user cannot dump it")
        expect(not os.access(f"/proc/{pid}/mem", os.R_OK), "nor read its memory")


if __name__ == "__main__":
    sys.exit(test.play(lambda binaries: Stage(binaries, SECRET, OTHER)))
