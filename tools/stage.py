"""What demo and tests play on: relay, wiretap and members as processes with folders of their own."""
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Failed(Exception):
    """Something did not hold."""


def expect(holds, what):
    if not holds:
        raise Failed(what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A server that says on its first line where it listens."""

    def __init__(self, command, log):
        self.log = open(log, "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.first = self.process.stdout.readline().strip()
        expect(self.first, f"{command[0]} did not start: {Path(log).read_text()[-500:]}")

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f"{self.process.args[0]} does not stop") from None
        finally:
            self.process.stdout.close()
            self.log.close()


class Relay:
    """relay-reference on SQLite in a folder; comes back on the same address after a kill."""

    def __init__(self, binaries, folder, public_url=None, port=None):
        self.port = port or free_port()
        self.url = public_url or f"http://127.0.0.1:{self.port}"
        self.data, self.log = folder / "relay", folder / "relay.log"
        self.data.mkdir(exist_ok=True)
        self.command = [str(binaries / "relay-reference"), "--data", str(self.data),
                        "--listen", f"127.0.0.1:{self.port}", "--public-url", self.url]
        self.start()

    def start(self):
        self.process = Process(self.command, self.log)

    def kill(self):
        self.process.stop(signal.SIGKILL)

    def stop(self):
        self.process.stop()


class Wiretap:
    """Records everything between members and relay."""

    def __init__(self, folder, port, *faults):
        self.capture = folder / "wire"
        command = [sys.executable, str(ROOT / "tools/wiretap"), "--to", f"127.0.0.1:{port}",
                   "--capture", str(self.capture), *faults]
        self.process = Process(command, folder / "wiretap.log")
        self.url = "http://" + self.process.first.split("//")[-1].split()[-1]

    def stop(self):
        self.process.stop()


class Member:
    """A person with a device: an own home, an own vault, an own project folder."""

    def __init__(self, binaries, folder, name, **variables):
        self.name, self.binary = name, str(binaries / "agentsecrets")
        self.home, self.project = folder / name / "home", folder / name / "project"
        self.home.mkdir(parents=True)
        self.project.mkdir()
        key = folder / name / "vault-key"
        key.write_bytes(secrets.token_bytes(32))
        key.chmod(0o600)
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "AGENTSECRETS_VAULT": "file",
            "AGENTSECRETS_VAULT_KEY_FILE": str(key), "AGENTSECRETS_HOME": str(self.home / "vault"), **variables}

    def start(self, *arguments, **options):
        return subprocess.Popen([self.binary, *arguments], cwd=self.project, env=self.environment, **options)

    def run(self, *arguments, stdin=b"", code=0, timeout=120, before=()):
        """Runs the command, with words `before` it; whole result, after its exit code is the one expected (None: any)."""
        done = subprocess.run([*before, self.binary, *arguments], cwd=self.project, env=self.environment, input=stdin,
                              capture_output=True, timeout=timeout)
        if code is not None and done.returncode != code:
            words = " ".join(arguments[:3])
            raise Failed(f"{self.name}: agentsecrets {words} ends with {done.returncode}, not {code}:\n"
                         + done.stderr.decode(errors="replace"))
        return done

    def out(self, *arguments, **options):
        return self.run(*arguments, **options).stdout.decode().strip()

    def json(self, *arguments, **options):
        return json.loads(self.run("--json", *arguments, **options).stdout)
