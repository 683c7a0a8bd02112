"""The story that ./demo tells. Every step is checked; the first that fails ends it."""
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stage import ROOT, Failed, Member, Relay, Wiretap, expect, free_port

ACME = ROOT / "examples/acme"
ENVIRONMENTS = ["development", "staging", "production"]
PLANTED = "planted-so-that-the-search-is-seen-to-find"


def say(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def show(text):
    print(f"    {text}", flush=True)


class Demo:
    def __init__(self, binaries, folder):
        self.binaries, self.folder = binaries, folder
        self.running = []

    def begin(self):
        say("1. A relay, on SQLite. Between it and everybody stands a wiretap that records every byte.")
        port = free_port()
        self.wiretap = Wiretap(self.folder, port)
        self.running.append(self.wiretap)
        self.relay = Relay(self.binaries, self.folder, self.wiretap.url, port)
        self.running.append(self.relay)
        show(f"relay at {self.relay.url}, its data in one folder")

    def meet(self):
        say("2. Two members, each with a vault of their own. The first makes a workspace and invites the second.")
        self.first = Member(self.binaries, self.folder, "first")
        self.second = Member(self.binaries, self.folder, "second")
        self.first.run("init", "--label", "first-laptop")
        self.second.run("init", "--label", "second-laptop")
        self.first.run("workspace", "create", "acme", "--relay", self.relay.url)
        code = self.first.out("invite", "--role", "writer")
        show(f"the invitation, one line for a messenger or a phone call: {code[:24]}…")
        self.second.run("join", code)
        waiting = self.second.run("secrets", "pull", code=1).stderr.decode()
        expect("error[not_admitted]" in waiting, "a newcomer who is not admitted yet is told so")
        show(f"admitted: {self.first.out('admit')}")
        numbers = self.first.out("safety-number", "second-laptop"), self.compare()
        expect(numbers[0] == numbers[1], "both devices show the same safety number")
        show(f"both read the same safety number to each other: {numbers[0].splitlines()[0][:35]}…")

    def compare(self):
        self.second.run("secrets", "pull")
        return self.second.out("safety-number", "first-laptop")

    def share(self):
        say("3. The first imports the project's three .env files; the second pulls.")
        for environment in ENVIRONMENTS:
            file = self.folder / f".env.{environment}"
            shutil.copy(ACME / file.name, file)
            subprocess.run([str(ACME / "make-large-value"), str(file)], check=True)
            self.first.run("secrets", "import", str(file), "--env", environment)
        self.second.run("secrets", "pull")
        for environment in ENVIRONMENTS:
            rows = self.second.json("secrets", "list", "--env", environment)
            expect(len(rows) >= 25, f"{environment} has at least 25 entries")
            show(f"{environment}: {len(rows)} secrets")

    def prove(self):
        say("4. A program of the second member proves that it has every value, byte for byte.")
        for environment in ENVIRONMENTS:
            expected = self.digests("--file", str(self.folder / f".env.{environment}"))
            seen = json.loads(self.second.run("run", "--env", environment, "--", "env", f"ACME_ENV={environment}",
                                              str(ACME / "app.py")).stdout)
            expect(seen == expected and len(seen) >= 25, f"the program sees all of {environment}")
            show(f"{environment}: {len(seen)} of {len(expected)} digests agree")

    @staticmethod
    def digests(*arguments):
        return json.loads(subprocess.run([str(ACME / "app.py"), *arguments], capture_output=True, check=True).stdout)

    def drift(self):
        say("5. One value changes. Both see it from metadata alone, before any value is downloaded.")
        before = self.deliveries()
        self.first.run("secrets", "set", "STRIPE_KEY", "--env", "staging", stdin=b"fake-rotated-value-not-real")
        after_set = self.deliveries()
        there = self.second.json("secrets", "diff", "--env", "staging", "--exit-code", code=3)
        expect(self.deliveries() == after_set, "a comparison downloads no delivery")
        expect([c["state"] for c in there["changes"]] == ["remote_ahead"], "the second sees that the log is ahead")
        show(f"second: {there['changes'][0]['name']} {there['changes'][0]['state']}")
        self.second.run("secrets", "pull")
        self.second.run("secrets", "set", "LOG_LEVEL", "--env", "staging", "--no-push", stdin=b"trace")
        here = self.second.json("secrets", "diff", "--env", "staging")
        expect([c["state"] for c in here["changes"]] == ["local_modified"], "a change not pushed is drift, too")
        show(f"second: {here['changes'][0]['name']} {here['changes'][0]['state']}, then pushes it")
        self.second.run("secrets", "push", "--env", "staging")
        between = self.second.json("diff", "staging", "production")
        states = {change["state"] for change in between["changes"]}
        expect(not between["in_sync"] and "different" in states, "environments differ")
        show(f"staging against production: {len(between['changes'])} names differ, by {', '.join(sorted(states))}")
        del before

    def deliveries(self):
        return self.relay.log.read_text().count("/deliveries")

    def crash(self):
        say("6. The relay is killed with -9 in the middle of pushes. What it acknowledged is there afterwards.")
        acknowledged, cut = {}, 0
        for turn in range(6):
            name, value = f"CRASH_{turn}", f"fake-crash-value-{turn}"
            pushing = self.first.start("secrets", "set", name, "--env", "staging", stdin=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
            pushing.stdin.write(value.encode())
            pushing.stdin.close()
            time.sleep(0.02 + 0.03 * turn)
            self.relay.kill()
            self.relay.start()
            if pushing.wait(120) == 0:
                acknowledged[name] = value
            else:
                cut += 1
        self.first.run("secrets", "push", "--env", "staging")
        self.second.run("secrets", "pull")
        for name, value in acknowledged.items():
            got = self.second.run("secrets", "get", name, "--env", "staging", "--reveal").stdout.decode()
            expect(got == value, f"{name}, which was acknowledged, is there")
        show(f"6 kills: {len(acknowledged)} pushes came through or were retried, {cut} ended with an error; "
             "nothing acknowledged is lost")

    def search(self):
        say("7. What did the relay learn? Its database, its log and the wire are searched for every value and name.")
        self.relay.stop()
        self.wiretap.stop()
        self.running.clear()
        needles = self.folder / "needles.json"
        wanted = self.needles()
        needles.write_text(json.dumps(wanted))
        places = [str(self.relay.data), str(self.relay.log), str(self.wiretap.capture)]
        found = self.leaks(needles, places)
        expect(found.returncode == 0, "the relay holds no value and no name:\n" + found.stdout + found.stderr)
        size = sum(f.stat().st_size for p in places for f in ([Path(p)] if Path(p).is_file() else Path(p).rglob("*")))
        show(f"{len(wanted)} values and names, raw, hex and base64, in {size:,} bytes: none found")
        needles.write_text(json.dumps({"PLANTED": PLANTED}))
        with open(self.relay.log, "a") as log:
            log.write(PLANTED + "\n")
        expect(self.leaks(needles, places).returncode == 1, "the same search finds a planted value")
        show("the same search finds a value that was planted")

    def needles(self):
        """Every value, name and label. Short ones in quotes, for chance puts four letters into any base64."""
        wanted = {"workspace": '"acme"', "first label": "first-laptop", "second label": "second-laptop"}
        for environment in ENVIRONMENTS:
            wanted[f"environment {environment}"] = environment
            values = self.first.json("secrets", "export", "--env", environment, "--reveal", "--format", "json")
            for name, value in values.items():
                wanted[f"name {name}"] = name
                wanted[f"value of {environment} {name}"] = value if isinstance(value, str) else ""
        # The address that everybody connects to stands in every request.
        wanted = {what: text for what, text in wanted.items() if text and text not in ("127.0.0.1", "localhost")}
        return {what: text if len(text) >= 8 else f'"{text}"' for what, text in wanted.items()}

    def leaks(self, needles, places):
        command = [sys.executable, str(ROOT / "tools/search-leaks"), "--needles", str(needles), *places]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def end(self):
        for process in reversed(self.running):
            try:
                process.stop()
            except Failed:
                pass


def main(binaries):
    folder = Path(tempfile.mkdtemp(prefix="agentsecrets-demo-"))
    demo = Demo(binaries, folder)
    try:
        for step in (demo.begin, demo.meet, demo.share, demo.prove, demo.drift, demo.crash, demo.search):
            step()
    except (Failed, subprocess.SubprocessError) as failure:
        print(f"\nFAILED: {failure}", file=sys.stderr)
        return 1
    finally:
        demo.end()
        shutil.rmtree(folder, ignore_errors=True)
    say("All of it held. Next: README.md, then `agentsecrets init --import .env` in a project of yours.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
