#!/usr/bin/env python3
"""The wheel as a user has it: installed into an empty environment, README and examples run as written against a relay.

    bindings/python/check.py BINARIES WHEEL PYTHON

BINARIES has agentsecrets and relay-reference; PYTHON is one in which the examples' packages are installed, and the wheel.
Closes with "N passed, N failed".
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from stage import Failed, Member, Relay, expect  # noqa: E402

# What README's lines take for granted: something that uses the value.
BEFORE = "def connect(value): assert value\n"
SMOKE = """
import asyncio, sys, agentsecrets_core as a
s = a.load(require=["DATABASE_URL", "API_TOKEN"])
assert s["API_TOKEN"].reveal() == "fake-token" and asyncio.run(a.aload())["API_TOKEN"] == "fake-token"
public, secret = a.generate_keys()
assert a.unseal(secret, a.seal(public, b"hello")) == b"hello"
try:
    a.load(require=["NOPE"])
except a.errors.MissingSecrets as error:
    assert error.names == ["NOPE"]
from agentsecrets_core.testing import MemoryRelay, member
with MemoryRelay() as relay:
    laptop = member(relay, "laptop"); laptop.set("A", "fake"); laptop.push()
    assert member(relay, "phone", founder=laptop).secrets()["A"] == "fake"
print("works on", sys.version.split()[0])
"""


def run(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=600, **options)
    words = " ".join(str(word) for word in command[:4])
    expect(done.returncode == 0, f"{words} ends with {done.returncode}:\n{(done.stdout + done.stderr).decode()[-4000:]}")
    return done.stdout.decode()


def blocks(readme):
    """The blocks of Python in a README, in their order."""
    return re.findall(r"```python\n(.*?)```", readme.read_text(), re.DOTALL)


def pythons():
    """Every Python from 3.9 on that is here, by version."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), *(str(f) for f in Path.home().glob(".pyenv/versions/*/bin"))]
    found = {}
    for folder in folders:
        for minor in range(9, 16):
            program = Path(folder) / f"python3.{minor}"
            if minor not in found and program.exists() and "shims" not in folder:
                if subprocess.run([program, "-c", "import ssl"], capture_output=True).returncode == 0:
                    found[minor] = program
    return [found[minor] for minor in sorted(found)]


class Checks:
    def __init__(self, binaries, wheel, python, folder):
        self.binaries, self.wheel, self.python, self.folder = binaries, wheel, python, folder
        self.passed = self.failed = 0

    def check(self, name, what, *arguments):
        try:
            said = what(*arguments)
            self.passed += 1
            if said:
                print(f"    {said}")
        except Failed as failure:
            self.failed += 1
            print(f"{name}: {failure}")

    def stage(self):
        self.relay = Relay(self.binaries, self.folder)
        self.laptop = Member(self.binaries, self.folder, "laptop")
        self.laptop.run("init", "--label", "laptop")
        self.laptop.run("workspace", "create", "acme", "--relay", self.relay.url)
        self.laptop.run("secrets", "set", "DATABASE_URL", stdin=b"postgres://app:fake@db.invalid/acme")
        self.laptop.run("secrets", "set", "API_TOKEN", stdin=b"fake-token")
        self.laptop.run("secrets", "push")

    def empty(self):
        """Nothing but the wheel, without an index: there is no dependency."""
        run([sys.executable, "-m", "venv", self.folder / "empty"])
        self.installed = self.folder / "empty/bin/python"
        run([self.installed, "-m", "pip", "install", "-q", "--no-index", "--no-deps", self.wheel])
        listed = run([self.installed, "-m", "pip", "list", "--format", "freeze"])
        expect("agentsecrets-core==" in listed, listed)
        run([self.installed, "-m", "pip", "check"])

    def program(self, python, program, *arguments):
        return run([python, program, *arguments], cwd=self.laptop.project, env=self.laptop.environment)

    def readme(self, readme):
        found = blocks(readme)
        for number, block in enumerate(found):
            program = self.folder / f"{readme.parent.name}-{number}.py"
            program.write_text(BEFORE + block)
            self.program(self.installed, program)
        return f"{len(found)} blocks of {readme.relative_to(ROOT)}"

    def quickstart(self):
        said = self.program(self.python, HERE / "examples/quickstart.py")
        expect("connected with 35 and 10" in said and "fake" not in said, said)

    def web_app(self):
        program = self.folder / "ask.py"
        program.write_text(f"import sys; sys.path.insert(0, {str(HERE / 'examples')!r})\nimport asyncio, httpx, web_app\n"
                           "async def ask():\n"
                           "    transport = httpx.ASGITransport(web_app.app)\n"
                           "    async with httpx.AsyncClient(transport=transport, base_url='http://app') as client:\n"
                           "        print((await client.get('/health')).text)\n"
                           "asyncio.run(ask())\n")
        said = self.program(self.python, program)
        expect(said.strip() == '{"database":true,"api":true}', said)

    def rotation(self):
        """The service has the new value within two seconds of a push by somebody else, without a restart."""
        service = subprocess.Popen([self.python, HERE / "examples/rotation.py", "2"], cwd=self.laptop.project,
                                   env=self.laptop.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with service:
            try:
                expect(service.stdout.readline().startswith("pool 1"), "the service does not start")
                took = [self.rotate(service, n) for n in (1, 2)]
                expect(service.wait(10) == 0, "the service does not end")
            finally:
                service.kill()
            expect(max(took) < 2, f"a push arrives after {max(took):.1f} s")
        return f"a push arrives after {max(took):.2f} s"

    def rotate(self, service, number):
        time.sleep(0.5)
        self.other.run("secrets", "set", "DATABASE_URL", stdin=f"postgres://app:fake-{number}@db.invalid/acme".encode())
        self.other.run("secrets", "push")
        start = time.monotonic()
        expect(service.stdout.readline().startswith(f"pool {number + 1}"), "the service does not notice")
        return time.monotonic() - start

    def colleague(self):
        self.other = Member(self.binaries, self.folder, "other")
        self.other.run("init", "--label", "other")
        code = self.laptop.out("invite", "--role", "writer").split()[-1]
        self.other.run("join", code)
        self.laptop.run("admit")
        self.other.run("secrets", "pull")

    def own_transport(self):
        said = self.program(self.python, HERE / "examples/own_transport.py", self.relay.url)
        expect("opened by the job: True" in said and "fake" not in said, said)

    def on(self, python):
        """One wheel for every Python."""
        folder = self.folder / "unpacked"
        if not folder.exists():
            zipfile.ZipFile(self.wheel).extractall(folder)
        program = self.folder / "smoke.py"
        program.write_text(SMOKE)
        environment = {**self.laptop.environment, "PYTHONPATH": str(folder)}
        return run([python, program], cwd=self.laptop.project, env=environment).strip()

    def all(self):
        self.check("stage", self.stage)
        self.check("empty environment", self.empty)
        for readme in (ROOT / "README.md", HERE / "README.md", ROOT / "docs/04-apps.md"):
            self.check(f"README {readme}", self.readme, readme)
        self.check("example quickstart", self.quickstart)
        self.check("example web_app", self.web_app)
        self.check("a colleague", self.colleague)
        self.check("example rotation", self.rotation)
        self.check("example own_transport", self.own_transport)
        for python in pythons():
            self.check(str(python), self.on, python)
        self.relay.stop()


def main(binaries, wheel, python):
    folder = Path(tempfile.mkdtemp(prefix="agentsecrets-python-"))
    checks = Checks(Path(binaries).resolve(), Path(wheel).resolve(), Path(python), folder)
    try:
        checks.all()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return bool(checks.failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
