#!/usr/bin/env python3
"""kill -9 of a pulling and of a pushing client, spread over the time that each takes.

    conformance/faults.py BINARIES [KILLS]    prints how many fell before, inside and after the writes

After every kill the vault opens, the next sync completes, no value is lost and none is pushed twice.
"""
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from stage import Failed, Member, Relay, expect  # noqa: E402

SECRETS = 100


class Faults:
    def __init__(self, binaries, folder, kills):
        self.folder, self.kills = folder, kills
        self.relay = Relay(binaries, folder)
        self.owner, self.other = Member(binaries, folder, "owner"), Member(binaries, folder, "other")
        for member in (self.owner, self.other):
            member.run("init", "--label", member.name)
        self.owner.run("workspace", "create", "acme", "--relay", self.relay.url)
        self.other.run("join", self.owner.out("invite"))
        self.owner.run("admit")
        self.round = 0
        self.seen = {"before": 0, "inside": 0, "after": 0}
        self.random = random.Random(4711)

    def values(self):
        """A file with a new value for every name."""
        self.round += 1
        values = {f"NAME_{n}": f"fake-{self.round}-{n}-{'x' * (n * 7 % 500)}" for n in range(SECRETS)}
        file = self.folder / "values.json"
        file.write_text(json.dumps(values))
        return file, values

    def held(self, member):
        return json.loads(member.run("secrets", "export", "--reveal", "--format", "json").stdout)

    def versions(self, member):
        return {row["name"]: row["version"] for row in member.json("secrets", "list")}

    @staticmethod
    def marks(member):
        vault = member.home / "vault"
        files = [p for p in vault.rglob("*") if p.is_file() and p.name != "lock"]
        return sorted((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in files)

    def kill(self, member, command, duration):
        """Starts the command and kills it at a random moment of its duration; notes where that fell."""
        before = self.marks(member)
        process = member.start(*command, stdout=-3, stderr=-3)
        time.sleep(self.random.uniform(0.1, 1.1) * duration)
        process.kill()
        ended = process.wait() == 0
        where = "after" if ended else "before" if self.marks(member) == before else "inside"
        self.seen[where] += 1

    def timed(self, member, command):
        start = time.monotonic()
        member.run(*command)
        return time.monotonic() - start

    def pulling(self):
        command = ["secrets", "pull"]
        file, _ = self.values()
        self.owner.run("secrets", "import", str(file))
        duration = self.timed(self.other, command)
        for _ in range(self.kills):
            file, values = self.values()
            self.owner.run("secrets", "import", str(file))
            old = self.held(self.other)
            self.kill(self.other, command, duration)
            expect(self.held(self.other) in (old, values), "an environment is replaced whole or not at all")
            self.other.run(*command)
            expect(self.held(self.other) == values, "the next pull completes")

    def pushing(self):
        command = ["secrets", "push"]
        duration = 0
        for number in range(self.kills + 1):
            file, values = self.values()
            self.other.run("secrets", "import", str(file), "--no-push")
            before = self.versions(self.other)
            if number == 0:
                duration = self.timed(self.other, command)
            else:
                self.kill(self.other, command, duration)
                expect(self.held(self.other) == values, "no change is lost")
                self.other.run(*command)
            after = self.versions(self.other)
            expect(all(after[name] == version + 1 for name, version in before.items()), "each value is pushed once")
            self.owner.run("secrets", "pull")
            expect(self.held(self.owner) == values, "and arrives")

    def run(self, what):
        self.seen = dict.fromkeys(self.seen, 0)
        getattr(self, what)()
        counts = ", ".join(f"{count} {where}" for where, count in self.seen.items())
        print(f"{what}: {self.kills} kills: {counts} the writes")
        expect(self.seen["inside"] >= self.kills // 10, "enough kills fell inside the writes to mean something")


def main(binaries, kills):
    folder = Path(tempfile.mkdtemp(prefix="agentsecrets-faults-"))
    faults, passed, failed = None, 0, 0
    try:
        faults = Faults(binaries, folder, kills)
        for what in ("pulling", "pushing"):
            try:
                faults.run(what)
                passed += 1
            except Failed as failure:
                failed += 1
                print(f"FAILED  {what}: {failure}")
    finally:
        if faults:
            faults.relay.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 100))
