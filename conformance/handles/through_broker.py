#!/usr/bin/env python3
"""Plays the scenarios of handles with the command and a broker: policies by `policy`, handles as leases at the broker's socket.

    conformance/handles/through_broker.py BINARIES    closes with "N passed, N failed"

Codes and what comes back are compared; the words of an error are the command's own, and not.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "conformance/agents")]
from stage import Member, expect  # noqa: E402
from stagehands import Agent, Broker, Refused  # noqa: E402

HEADER = (ROOT / "include/agentsecrets.h").read_text()
NUMBERS = {name.lower(): int(number) for name, number in re.findall(r"AGENTSECRETS_ERROR_(\w+) = (\d+)", HEADER)
           + re.findall(r"#define AGENTSECRETS_ERROR_(\w+) (\d+)", HEADER)}
# What a broker and the command have no call for.
MISSING = {"message": "the command has words of its own", "reveal": "no question of a broker reads", "redact": "a broker redacts by itself"}
# Where they differ by intention: (scenario, line without outcome): the code here.
DIFFERS = {
    # A broker serves agents, for whom a secret without policy is not for signing.
    ("read-forbidden", "sign message"): "use_forbidden",
    # `run` names all that are missing at once.
    ("commands", "spawn NOBODY true"): "missing_secrets",
}


class Failure(Exception):
    """The command or the broker refused: a code."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def given(word):
    return b"" if word == "-" else urllib.parse.unquote_to_bytes(word)


def text(word):
    return given(word).decode()


def shown(data):
    plain = (chr(byte) if 0x21 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02X}" for byte in data)
    return "%2D" if data == b"-" else "".join(plain) or "-"


def same(policy):
    """A policy as a word; the command sorts its fields."""
    return shown(json.dumps(policy, separators=(",", ":"), sort_keys=True).encode())


class Stage:
    """One member with a workspace, its broker since the last `load`, and the leases that stand for handles."""

    def __init__(self, binaries, port):
        self.port, self.folder = port, Path(tempfile.mkdtemp(prefix="agentsecrets-handles-"))
        self.member, self.broker, self.agents = Member(binaries, self.folder, "owner"), None, []
        self.member.run("init", "--label", "laptop")
        self.member.run("workspace", "create", "acme")

    def run(self, *arguments, stdin=b""):
        done = self.member.run("--json", *arguments, stdin=stdin, code=None)
        lines = done.stderr.decode().strip().splitlines()
        if done.returncode and lines and lines[-1].startswith('{"error"'):
            raise Failure(json.loads(lines[-1])["error"]["code"])
        return done

    def ask(self, **question):
        try:
            return self.agents[-1].say(question)
        except Refused as refused:
            raise Failure(refused.code) from None

    def secret(self, name, value):
        self.run("secrets", "set", name, stdin=given(value))

    def policy(self, name, policy):
        if given(policy) == b"null":
            self.run("policy", name, "--none")
        else:
            self.run("policy", name, "--file", "-", stdin=given(policy))

    def shown(self, name):
        return [same(json.loads(self.run("policy", name).stdout)["policy"])]

    def load(self):
        self.stop()
        self.broker = Broker(self.member)
        expect(self.broker.token, "the broker starts")

    def read(self, name):
        return [shown(self.run("secrets", "get", name, "--reveal").stdout)]

    def handle(self, name):
        whole = self.broker.agent()
        try:
            token = whole.say({"ask": "lease", "agent": "holder", "names": [name]})["token"]
        except Refused as refused:
            raise Failure(refused.code) from None
        finally:
            whole.close()
        self.forget()
        self.take(token)

    def narrow(self, methods, paths, ttl, uses):
        terms = {"methods": methods, "paths": paths, "ttl": ttl, "uses": uses}
        terms = {name: word for name, word in terms.items() if word != "-"}
        for name in terms:
            terms[name] = int(terms[name]) if name in ("ttl", "uses") else text(terms[name]).split(",")
        token = self.ask(ask="lease", agent="helper", **terms)["token"]
        self.take(token)

    def take(self, token):
        self.agents.append(Agent(self.broker.path, token))
        self.agents[-1].token = token

    def wider(self):
        self.agents.pop().close()

    def left(self):
        # A broker says it when an agent connects.
        again = Agent(self.broker.path, self.agents[-1].token)
        again.close()
        left = again.lease["uses_left"]
        return ["-" if left is None else str(left)]

    def request(self, method, target, place, header, body):
        url = f"http://127.0.0.1:{self.port}{text(target)}" if text(target).startswith("/") else text(target)
        name, _, value = text(header).partition(":")
        more = {"headers": [[name, value]] if name else [], **({"place": text(place)} if place != "-" else {})}
        names = self.agents[-1].lease["names"]
        try:
            answer = self.agents[-1].request(names[0], method, url, body=text(body), **more)
        except Refused as refused:
            raise Failure(refused.code) from None
        headers = {name.lower(): value for name, value in answer["headers"]}
        expect("set-cookie" not in headers, "cookies stay out")
        return [str(answer["status"]), str(answer["redactions"]), shown(headers.get("x-echo", "").encode()), shown(answer["bytes"])]

    def sign(self, message):
        names = self.agents[-1].lease["names"]
        return [self.ask(ask="sign", name=names[0], message=given(message).hex(), reason="a test")["signature"]]

    def spawn(self, names, *command):
        # Without --only it would be all of them.
        only = ["--only", names] if names != "-" else ["--only", ""]
        done = self.run("run", *only, "--", *map(text, command))
        return [str(done.returncode if done.returncode >= 0 else 128 - done.returncode)]

    def forget(self):
        while self.agents:
            self.agents.pop().close()

    def stop(self):
        self.forget()
        if self.broker:
            self.broker.stop()
        self.broker = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def play(stage, scenario, line):
    """Whether the line came to what it says; None where there is nothing to do."""
    done, _, expected = line.partition(" = ")
    verb, *words = done.split(" ")
    if verb in ("#", *MISSING) or (verb == "spawn" and words[0] == "-"):
        return None
    try:
        came = " ".join(["0", *(getattr(stage, verb)(*words) or [])])
    except Failure as failure:
        came = str(NUMBERS[failure.code])
    if verb == "shown" and expected.startswith("0 "):
        expected = f"0 {same(json.loads(given(expected[2:])))}"
    if (scenario, done) in DIFFERS:
        expected = str(NUMBERS[DIFFERS[scenario, done]])
    expect(came == expected, f"{done}: here {came}, there {expected}")
    return True


def main():
    binaries, names = Path(sys.argv[1]).resolve(), sys.argv[2:]
    server = subprocess.Popen([sys.executable, HERE / "server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    port = server.stdout.readline().decode().strip()
    passed = failed = compared = 0
    for file in sorted(HERE.glob("*.txt")):
        if names and file.stem not in names:
            continue
        stage = Stage(binaries, port)
        try:
            for line in file.read_text().replace("{port}", port).splitlines():
                compared += bool(play(stage, file.stem, line))
            passed += 1
        except Exception:  # noqa: BLE001: whatever it is, the scenario failed
            failed += 1
            print(f"{file.name}:\n{traceback.format_exc()}")
        finally:
            stage.close()
    server.communicate(timeout=20)
    print(f"{compared} lines compared")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or (not names and compared < 100) else 0


if __name__ == "__main__":
    sys.exit(main())
