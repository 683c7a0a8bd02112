"""What all drivers of this folder share: relays, the recorder, the checker as processes."""
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
AUTHORITY = "relay.test"


class Failed(Exception):
    """Something did not hold."""


def expect(holds, what):
    if not holds:
        raise Failed(what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Relay:
    """A relay process; comes back on the same port after a kill."""

    def __init__(self, binaries, folder, name, *options):
        self.port, self.admin, self.log = free_port(), free_port(), folder / f"{name}.log"
        self.command = [str(binaries / "relay-reference"), "--listen", f"127.0.0.1:{self.port}",
                        "--admin", f"127.0.0.1:{self.admin}", "--public-url", f"http://{AUTHORITY}", *options]
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log, text=True)
        expect(self.process.stdout.readline().startswith("listening on "), f"no start; see {self.log}")

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        self.process.wait(20)
        self.process.stdout.close()

    def kill(self):
        self.signal(signal.SIGKILL)
        self.end()

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        self.end()

    def memory(self, what="VmRSS"):
        """Megabytes: VmRSS is now, VmHWM the most ever."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) / 1024
        raise Failed(f"no {what}")

    def processor_seconds(self):
        """What it has used so far, which hangs less on what else the machine does than time does."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class SqliteRelay(Relay):
    def __init__(self, binaries, folder, *options, name="relay"):
        self.data = folder / f"{name}-data"
        super().__init__(binaries, folder, name, "--data", str(self.data), *options)


class Wiretap:
    """Stands between clients and a relay, and loses or delays answers."""

    def __init__(self, folder, port, *faults):
        command = [sys.executable, str(ROOT / "tools/wiretap"), "--to", f"127.0.0.1:{port}", *faults]
        with open(folder / "wiretap.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.address = self.process.stdout.readline().split("//")[-1].split()[-1]


class Recorder:
    """Sixteen writers, and readers and watchers, who note all that they see."""

    def __init__(self, binaries, relays, history, writers=16, workspaces=4):
        command = [str(binaries / "relay-bench"), "record", "--authority", AUTHORITY, "--out", str(history),
                   "--writers", str(writers), "--workspaces", str(workspaces)]
        for relay in relays:
            command += ["--relay", relay if isinstance(relay, str) else relay.address]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        expect(self.process.stdout.readline() == "everybody is there\n", "the recorder did not start")

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def outage(self, seconds):
        """A fault that keeps watchers from a relay."""
        self.say("outage begins")
        time.sleep(seconds)
        self.say("outage ends")

    def stop(self):
        out, _ = self.process.communicate("stop\n", timeout=180)
        expect(self.process.returncode == 0, f"the recorder failed: {out}")


def check_histories(binaries, histories, least):
    """Whether a law is broken; prints what the checker says."""
    done = subprocess.run([str(binaries / "relay-history"), "--least", str(least), *map(str, histories)],
                          stdout=subprocess.PIPE, text=True, timeout=600)
    lines = [line for line in done.stdout.splitlines() if line.startswith("BROKEN") or ": " in line]
    print("\n".join(line.replace(str(Path(histories[0]).parent) + "/", "") for line in lines[:60]))
    return done.returncode != 0


def close(*processes):
    for process in processes:
        if process and process.process.poll() is None:
            process.process.kill()
            process.process.wait()
