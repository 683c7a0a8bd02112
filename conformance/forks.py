#!/usr/bin/env python3
"""Two processes on two branches of a forking relay find out, in each way that there is.

    conformance/forks.py BINARIES

A door before two relays, the second begun from a copy of the first's data, shows each member its own.
"""
import http.client
import http.server
import re
import shutil
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from stage import Failed, Member, Relay, expect  # noqa: E402

PLACE = ".agentsecrets.head"


class Door:
    """Hands each request to the relay of whoever signed it."""

    def __init__(self):
        self.main, self.routes, self.acks, self.last = None, {}, {}, None
        door = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                found = re.search(r'keyid="([^"]+)"', self.headers.get("signature-input", ""))
                door.last = found and found.group(1)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                acks = self.command == "GET" and self.path.endswith("/acks")
                port = (door.acks if acks else door.routes).get(door.last) or door.routes.get(door.last) or door.main
                onward = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "host")}
                onward.request(self.command, self.path, body, headers)
                answer = onward.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name in ("content-type", "retry-after"):
                    if answer.getheader(name):
                        self.send_header(name, answer.getheader(name))
                self.send_header("content-length", str(len(content)))
                self.send_header("connection", "close")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Forks:
    def __init__(self, binaries, folder):
        self.door = Door()
        here, there = folder / "here", folder / "there"
        here.mkdir()
        one = Relay(binaries, here, self.door.url)
        self.door.main = one.port
        self.owner, self.other = Member(binaries, folder, "owner"), Member(binaries, folder, "other")
        for member in (self.owner, self.other):
            member.run("init", "--label", member.name)
        self.owner.run("workspace", "create", "acme", "--relay", self.door.url)
        self.other.run("join", self.owner.out("invite"))
        self.owner.run("admit")
        self.set(self.owner, "fake-shared")
        for member in (self.owner, self.other, self.owner):
            member.run("secrets", "pull")
        self.key = {}
        for member in (self.owner, self.other):
            member.run("head")
            self.key[member] = self.door.last
        one.stop()
        there.mkdir()
        shutil.copytree(here / "relay", there / "relay")
        one.start()
        two = Relay(binaries, there, self.door.url)
        self.relays = [one, two]
        self.door.routes = {self.key[self.owner]: one.port, self.key[self.other]: two.port}
        self.set(self.owner, "fake-here")
        self.set(self.other, "fake-there")

    def set(self, member, value):
        member.run("secrets", "set", "API_KEY", stdin=value.encode())

    def refused(self, member, *arguments):
        done = member.run(*arguments, code=None)
        expect(done.returncode != 0 and b"error[fork]" in done.stderr,
               f"{member.name}: {' '.join(arguments)} does not find the fork: {done.stderr.decode()}")

    def words(self):
        """Each sees its own branch, in order; the words that they would read to each other differ."""
        spoken = [member.out("head", "--words") for member in (self.owner, self.other)]
        numbers = [text.split(":")[0] for text in spoken]
        expect(numbers[0] == numbers[1] and spoken[0] != spoken[1], f"the words are alike: {spoken}")

    def head_file(self):
        """The head that one committed to git contradicts what the other has seen."""
        self.owner.run("head", "--write")
        shutil.copy(self.owner.project / PLACE, self.other.project / PLACE)
        self.refused(self.other, "head")
        (self.other.project / PLACE).unlink()

    def exported_log(self):
        """The log that one exported does not verify against the head of the other."""
        file, head = self.other.project / "log", self.owner.out("head")
        self.other.run("audit", "--export", str(file))
        self.refused(self.other, "verify", str(file), "--head", head)

    def one_ack(self):
        """Whatever else the relay hides: one ack of the owner's, and the other knows."""
        self.owner.run("secrets", "pull")
        self.door.acks[self.key[self.other]] = self.relays[0].port
        self.refused(self.other, "secrets", "pull")
        self.door.acks.clear()

    def switched(self):
        """Shown the owner's branch, the other refuses it and keeps its own values."""
        self.door.routes[self.key[self.other]] = self.relays[0].port
        self.refused(self.other, "secrets", "pull")
        value = self.other.out("secrets", "get", "API_KEY", "--reveal")
        expect(value == "fake-there", f"the value became {value}")
        self.door.routes[self.key[self.other]] = self.relays[1].port

    def adopted(self):
        """The other leaves its branch for the owner's confirmed head, and loses nothing."""
        self.door.routes[self.key[self.other]] = self.relays[0].port
        head = self.owner.out("head")
        wrong = head[:-1] + ("0" if head[-1] != "0" else "1")
        self.refused(self.other, "head", "--adopt", wrong)
        done = self.other.run("head", "--adopt", head)
        expect(done.stdout.decode().strip() == f"adopted {head}", done.stdout)
        expect(b"API_KEY was written here alone" in done.stderr, done.stderr)
        left = self.other.json("audit", "--left", "1")
        expect(left[-1]["kind"] == "push" and left[-1]["names"] == ["API_KEY"], f"the branch left: {left[-1]}")
        done = self.other.run("secrets", "pull", code=1)
        expect(b"error[conflict]" in done.stderr, done.stderr)
        self.other.run("secrets", "push", "--mine")
        for member in (self.owner, self.other, self.owner):
            member.run("secrets", "pull")
            value = member.out("secrets", "get", "API_KEY", "--reveal")
            expect(value == "fake-there", f"{member.name} has {value}")
        spoken = {member.out("head", "--words") for member in (self.owner, self.other)}
        expect(len(spoken) == 1, f"one history again: {spoken}")

    def stop(self):
        for relay in self.relays:
            relay.stop()


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        forks = Forks(Path(sys.argv[1]).resolve(), Path(folder))
        for way in (forks.words, forks.head_file, forks.exported_log, forks.one_ack, forks.switched,
                    forks.adopted):
            try:
                way()
                passed += 1
            except Failed as failure:
                failed += 1
                print(f"{way.__name__}: {failure}")
        forks.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
