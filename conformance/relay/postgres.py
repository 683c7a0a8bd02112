#!/usr/bin/env python3
"""Two relays over one PostgreSQL under faults; after each kind of fault the history checker has the word.

    conformance/relay/postgres.py BINARIES [--rounds N] [FAULT...]

BINARIES: folder of relay-reference (with PostgreSQL), relay-bench, relay-history. The cluster is thrown away afterwards.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stage import ROOT, Failed, Recorder, Relay, Wiretap, check_histories, close

TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'relay-reference'"


class Cluster:
    """A PostgreSQL of its own, with two relays over it."""

    def __init__(self, binaries, folder):
        self.folder = folder / "pg"
        self.url = self.tool("up").strip()
        self.relays = []
        for name in "one", "two":
            self.relays.append(Relay(binaries, folder, name, "--database", self.url))

    def tool(self, *words):
        done = subprocess.run([str(ROOT / "tools/postgres"), str(self.folder), *words], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Failed(f"tools/postgres {words} failed")
        return done.stdout

    def sql(self, statement):
        # A server that is starting refuses; the next round comes soon.
        subprocess.run(["psql", "-q", "-h", str(self.folder), "-U", "postgres", "-c", statement], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def server(self):
        """The server's own process."""
        return int((self.folder / "data/postmaster.pid").read_text().splitlines()[0])

    def backends(self, of_clients=False):
        """Its children; those that serve a client are named after the address of that."""
        out = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.server())], stdout=subprocess.PIPE, text=True).stdout
        return [int(line.split()[0]) for line in out.splitlines() if "[local]" in line or not of_clients]

    def down(self):
        close(*self.relays)
        subprocess.run([str(ROOT / "tools/postgres"), str(self.folder), "down"], check=False)


class Faults:
    def __init__(self, cluster, rounds):
        self.cluster, self.rounds, self.dice = cluster, rounds, random.Random(4711)

    def pause(self):
        time.sleep(self.dice.uniform(0.2, 1.0))

    def restart(self, _):
        """The server stops as in a power cut, and recovers."""
        for _ in range(self.rounds):
            self.pause()
            self.cluster.tool("restart", "immediate")

    def backends(self, _):
        """Every connection of the relays ends, in the middle of whatever it does."""
        for _ in range(self.rounds * 5):
            time.sleep(self.dice.uniform(0.02, 0.4))
            self.cluster.sql(TERMINATE)

    def crash(self, _):
        """A backend dies, so the server throws everybody out and recovers."""
        for _ in range(self.rounds):
            self.pause()
            try:
                os.kill(self.dice.choice(self.cluster.backends(of_clients=True)), signal.SIGKILL)
            except (ProcessLookupError, IndexError):
                pass  # it ended by itself, or the server is not back yet
            time.sleep(1)

    def relay_killed(self, _):
        for round_ in range(self.rounds * 2):
            self.pause()
            relay = self.cluster.relays[round_ % 2]
            relay.kill()
            relay.start()

    def relay_stopped(self, recorder):
        """One relay stands still for ten seconds and then goes on as if nothing had been."""
        for relay in self.cluster.relays[:max(1, self.rounds // 5)]:
            self.stopped(recorder, [relay.process.pid])

    def server_stopped(self, recorder):
        for _ in range(max(1, self.rounds // 5)):
            self.stopped(recorder, [self.cluster.server(), *self.cluster.backends()])

    def stopped(self, recorder, pids):
        self.pause()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        recorder.outage(10)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass  # a backend that was asked to end before
        time.sleep(2)

    def lost_replies(self, _):
        """Every seventh answer is lost on the way; every fifth comes late. See `proxies`."""
        time.sleep(self.rounds)


FAULTS = ("restart", "backends", "crash", "relay_killed", "relay_stopped", "server_stopped", "lost_replies")


def play(binaries, folder, cluster, fault, rounds):
    proxies, targets = [], cluster.relays
    if fault == "lost_replies":
        one, two = cluster.relays
        proxies = [Wiretap(folder, one.port, "--drop-reply-after", "0", "--every", "7"),
                   Wiretap(folder, two.port, "--delay", "40", "--every", "5")]
        targets = [proxy.address for proxy in proxies]
    history = folder / fault
    recorder = Recorder(binaries, targets, history)
    try:
        getattr(Faults(cluster, rounds), fault)(recorder)
        recorder.stop()
        return check_histories(binaries, [history], least=50)
    finally:
        close(recorder, *proxies)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=Path)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=" ".join(FAULTS))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_intermixed_args()
    binaries, passed, failed = options.binaries.resolve(), 0, 0
    folder = Path(tempfile.mkdtemp(prefix="agentsecrets-postgres-"))
    folder.chmod(0o711)  # the server is another user where this one is root
    cluster = None
    try:
        cluster = Cluster(binaries, folder)
        for fault in options.faults or FAULTS:
            try:
                broken = play(binaries, folder, cluster, fault, options.rounds)
            except Failed as failure:
                print(f"{fault}: {failure}")
                broken = True
            passed, failed = passed + (not broken), failed + broken
    finally:
        if cluster:
            cluster.down()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
