#!/usr/bin/env python3
"""The broker's contract, seen from outside: real processes, a real server on loopback, real vault files.

    conformance/agents/broker.py BINARIES [NAME...]    closes with "N passed, N failed"
"""
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from stage import Failed, Member, expect  # noqa: E402
from stagehands import Broker, Refused, Tests, Upstream, allow, reply  # noqa: E402

SECRET = "fake-live-4f9c2b7e8d1a6035-only-for-tests"
OTHER = "fake-other-98a7c6b5d4e3f210-only-for-tests"
NOBODY, SOMEBODY = 65534, 65533
test = Tests()


def behave(handler, secret):
    if handler.path.endswith("/events"):
        reply(handler, None, chunks=[b"data: 1\n\n", b"data: " + secret[:9].encode(), secret[9:].encode() + b"\n\n"],
              content_type="text/event-stream")
    else:
        reply(handler, json.dumps({"path": handler.path, "key": secret}).encode(), content_type="application/json")


class Stage:
    """A member with two secrets for a server on loopback, and what was started."""

    def __init__(self, binaries, secret=SECRET, other=OTHER):
        self.binaries, self.folder = binaries, Path(tempfile.mkdtemp(prefix="agentsecrets-broker-"))
        self.folder.chmod(0o755)
        self.upstream, self.started = Upstream(behave), []
        self.member = member = Member(binaries, self.folder, "owner")
        member.run("init", "--label", "owner")
        member.run("workspace", "create", "acme")
        allow(member, "KEY", secret.encode(), self.upstream)
        allow(member, "OTHER", other.encode(), self.upstream)
        member.run("secrets", "set", "PLAIN", stdin=b"no policy says where this may go")

    def broker(self, *options):
        self.started.append(Broker(self.member, *options))
        expect(self.started[-1].token, "the broker starts")
        return self.started[-1]

    def url(self, path="/v1/balance"):
        return self.upstream.url + path

    def close(self):
        for broker in self.started:
            broker.stop()
        self.upstream.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def refuses(code, ask, *arguments, **options):
    try:
        ask(*arguments, **options)
    except Refused as refused:
        expect(refused.code == code, f"is {refused.code}, not {code}")
        expect(SECRET not in str(refused) and OTHER not in str(refused), "an error shows no value")
    else:
        raise Failed(f"is let through, not {code}")


def no_value(*texts):
    for text in texts:
        raw = text if isinstance(text, bytes) else str(text).encode()
        for value in (SECRET, OTHER):
            expect(value.encode() not in raw and value.encode().hex().encode() not in raw, "a value is to be seen")


# --- leases -------------------------------------------------------------------------------------------


@test
def an_agent_uses_secrets_and_gets_none(stage):
    broker = stage.broker("--agent", "helper")
    expect(stat.S_IMODE(os.stat(broker.path).st_mode) == 0o600, "the socket is its owner's alone")
    agent = broker.agent()
    expect(agent.lease["agent"] == "helper", "the lease bears the agent's name")
    names = agent.say({"ask": "names"})
    expect([row["name"] for row in names["secrets"]] == ["KEY", "OTHER", "PLAIN"], "names are listed")
    answer = agent.request("KEY", "GET", stage.url())
    expect(answer["status"] == 200 and answer["redactions"] == 1, "the answer is redacted")
    sent = stage.upstream.requests[-1][2]
    expect(sent["authorization"] == f"Bearer {SECRET}", "the server gets the key")
    no_value(names, answer, agent.lease, agent.say({"ask": "drift"}))
    agent.close()


@test
def without_token_or_with_another_one_nothing_is_answered(stage):
    broker = stage.broker()
    for token in ("", "0" * 64, broker.token[:-1], broker.token + "0"):
        refuses("lease_unknown", broker.agent, token or " ")
    agent = broker.agent()
    agent.close()


@test
def a_policy_and_a_lease_bound_every_request(stage):
    broker = stage.broker("--only", "KEY", "--methods", "GET", "--paths", "/v1/*")
    agent = broker.agent()
    expect(agent.lease["names"] == ["KEY"], "the lease holds one secret")
    agent.request("KEY", "GET", stage.url())
    refuses("use_forbidden", agent.request, "KEY", "POST", stage.url())
    refuses("use_forbidden", agent.request, "KEY", "GET", stage.url("/v2/balance"))
    refuses("use_forbidden", agent.request, "KEY", "GET", "https://example.org/v1/balance")
    refuses("use_forbidden", agent.request, "KEY", "GET", "http://127.0.0.1:9/v1/balance")
    refuses("unknown_secret", agent.request, "OTHER", "GET", stage.url())
    refuses("invalid_request", agent.request, "KEY", "GET", stage.url("/v1/../v2"))
    refuses("invalid_argument", agent.request, "KEY", "GET", stage.url(), reason=" ")
    expect(len(stage.upstream.requests) == 1, "nothing refused was sent")
    agent.close()


@test
def a_secret_without_policy_goes_nowhere(stage):
    agent = stage.broker().agent()
    refuses("use_forbidden", agent.request, "PLAIN", "GET", stage.url())
    refuses("use_forbidden", agent.say, {"ask": "sign", "name": "PLAIN", "message": "00", "reason": "a test"})
    expect(not stage.upstream.requests, "nothing was sent")
    agent.close()


@test
def uses_and_time_run_out(stage):
    agent = stage.broker("--uses", "2").agent()
    agent.request("KEY", "GET", stage.url())
    refuses("use_forbidden", agent.request, "KEY", "GET", "https://example.org/")
    agent.request("OTHER", "GET", stage.url())
    refuses("lease_over", agent.request, "KEY", "GET", stage.url())
    agent.close()
    stage.started.pop().stop()
    agent = stage.broker("--ttl", "1s").agent()
    while time.time() * 1000 < agent.lease["until"]:
        time.sleep(0.05)
    refuses("lease_over", agent.request, "KEY", "GET", stage.url())
    expect(len(stage.upstream.requests) == 2, "what was over was not sent")
    agent.close()


@test
def an_agent_hands_on_less_than_it_has_and_never_more(stage):
    broker = stage.broker("--only", "KEY", "--uses", "3", "--ttl", "1h")
    agent = broker.agent()
    lease = lambda **terms: agent.say({"ask": "lease", "agent": "sub", **terms})  # noqa: E731
    refuses("unknown_secret", lease, names=["OTHER"])
    refuses("lease_wider", lease, methods=["DELETE"])
    refuses("lease_wider", lease, ttl=7_200_000)
    refuses("lease_wider", lease, uses=4)
    refuses("invalid_argument", lease, uses=0)
    child = broker.agent(lease(methods=["GET"], paths=["/v1/balance"], uses=2)["token"])
    refuses("lease_wider", child.say, {"ask": "lease", "agent": "sub sub", "paths": ["/v1/*"]})
    refuses("use_forbidden", child.request, "KEY", "GET", stage.url("/v1/other"))
    child.request("KEY", "GET", stage.url())
    agent.request("KEY", "GET", stage.url())
    child.request("KEY", "GET", stage.url())
    refuses("lease_over", child.request, "KEY", "GET", stage.url())
    refuses("lease_over", agent.request, "KEY", "GET", stage.url())
    child.close()
    agent.close()


@test
def garbage_neither_ends_the_broker_nor_gets_an_answer_of_use(stage):
    broker = stage.broker()
    for garbage in (b"\xff\xfe\n", b"{\n", b"[]\n", b'{"token": 5}\n', b"GET / HTTP/1.1\r\n\r\n", b"\n" * 50, b"x" * 70_000):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(str(broker.path))
            raw.sendall(garbage)
            raw.shutdown(socket.SHUT_WR)
            answer = raw.makefile("rb").read()
            expect(b'"ok"' not in answer, f"{garbage[:20]} is answered by {answer[:100]}")
    agent = broker.agent()
    for question in ({"ask": "reveal", "name": "KEY"}, {"ask": "names", "more": 1}, {"ask": None}, [], {}, SECRET):
        refuses("invalid_argument", agent.say, question)
    refuses("invalid_argument", agent.say, {"ask": "request", "name": "KEY", "reason": "x", "method": "GET",
                                            "url": stage.url(), "value": "x"})
    refuses("use_forbidden", agent.say, {"ask": "run", "command": ["env"], "names": ["KEY"], "reason": "x"})
    agent.request("KEY", "GET", stage.url())
    agent.close()


@test
def only_who_was_named_may_connect(stage):
    if os.geteuid() != 0:
        # Becoming somebody else needs root; the mode is all that an ordinary user can look at.
        expect(stat.S_IMODE(os.stat(stage.broker().path).st_mode) == 0o600, "the socket is its owner's alone")
        return
    for folder in (stage.member.home, stage.member.home.parent):
        folder.chmod(0o755)

    def greeting(broker, uid):
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
                broker.agent().close()
                os._exit(0)
            finally:
                os._exit(1)
        return os.waitpid(child, 0)[1] == 0

    broker = stage.broker()
    expect(greeting(broker, 0) and not greeting(broker, NOBODY), "the socket is its owner's alone")
    stage.started.pop().stop()
    broker = stage.broker("--peer", str(NOBODY))
    expect(greeting(broker, 0) and greeting(broker, NOBODY), "the user who was named is let in")
    expect(not greeting(broker, SOMEBODY), "another user is not, though the file's mode would allow it")


# --- run --broker -------------------------------------------------------------------------------------


@test
def exit_code_signals_and_the_end_pass_through(stage):
    done = stage.member.run("run", "--broker", "--", "sh", "-c", 'echo "$AGENTSECRETS_BROKER"; exit 41', code=41)
    path = Path(done.stdout.decode().strip())
    stage.member.environment["KEY"] = SECRET
    environment = stage.member.run("run", "--broker", "--", "env").stdout
    del stage.member.environment["KEY"]
    no_value(environment)
    expect(b"VAULT" not in environment and b"AGENTSECRETS_HOME" not in environment, "the child has no key to the vault")
    for _ in range(100):
        if not path.exists():
            break
        time.sleep(0.1)
    expect(not path.exists() and not path.parent.exists(), "the broker ends with the command, and its socket goes")
    process = stage.member.start("run", "--broker", "--", "sh", "-c", "echo ready; exec sleep 60", stdout=subprocess.PIPE)
    expect(process.stdout.readline() == b"ready\n", "the command runs")
    process.send_signal(signal.SIGTERM)
    expect(process.wait(20) == -signal.SIGTERM, "a signal reaches the command itself")
    process.stdout.close()


@test
def a_broker_that_cannot_start_is_told(stage):
    done = stage.member.run("run", "--broker", "--only", "NOBODY", "--", "true", code=1)
    expect(b"error[unknown_secret]" in done.stderr, "the cause is named")
    done = stage.member.run("run", "--broker", "--", "no-such-program", code=2)
    expect(b"does not start" in done.stderr, "a missing program is named")


# --- base URLs ----------------------------------------------------------------------------------------


def fetch(url, headers=(), data=None):
    request = urllib.request.Request(url, data=data, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@test
def an_sdk_that_takes_a_base_url_gets_a_placeholder(stage):
    broker = stage.broker("--base-url", f"OPENAI_BASE_URL=KEY@{stage.url('/v1')}", "--paths", "/v1/**")
    base, key = broker.variables["OPENAI_BASE_URL"], broker.variables["KEY"]
    no_value(broker.variables)
    sdk = {"Authorization": f"Bearer {key}", "X-Api-Key": key, "User-Agent": "sdk"}
    status, body = fetch(base + "/chat?stream=1", sdk, data=b'{"model": "m"}')
    expect(status == 200 and b"[redacted KEY]" in body and b"/v1/chat?stream=1" in body, f"{status} {body!r}")
    method, path, headers, sent = stage.upstream.requests[-1]
    expect((method, path, sent) == ("POST", "/v1/chat?stream=1", b'{"model": "m"}'), "the request goes on as it is")
    expect(headers["authorization"] == f"Bearer {SECRET}" and "x-api-key" not in headers, "with the key in its place")
    status, body = fetch(base + "/events", sdk)
    expect(status == 200 and body == b"data: 1\n\ndata: [redacted KEY]\n\n", f"events: {body!r}")
    sent = len(stage.upstream.requests)
    expect(fetch(base[:-1] + "0/chat" if base[-1] != "0" else base[:-1] + "1/chat", sdk)[0] == 404, "another token is nobody")
    expect(fetch(base + "/chat", {**sdk, "Host": "evil.example"})[0] == 404, "a web page's host is refused")
    expect(fetch(base + "/../../admin", sdk)[0] == 400, "a path that climbs is refused")
    expect(len(stage.upstream.requests) == sent, "nothing refused was sent")
    records = stage.member.json("calls")
    expect(records[0]["reason"] == "base URL" and records[0]["path"] == "/v1/chat", "uses are recorded")


# --- the record of calls ------------------------------------------------------------------------------


@test
def every_use_is_recorded_refusals_too(stage):
    agent = stage.broker("--agent", "helper").agent()
    agent.request("KEY", "GET", stage.url(), reason="read the balance")
    refuses("use_forbidden", agent.request, "KEY", "POST", "https://example.org/x", reason=f"tell {SECRET}")
    refuses("unknown_secret", agent.request, "NOBODY", "GET", stage.url())
    agent.close()
    first, second, third = stage.member.json("calls")
    expect({k: first[k] for k in ("seq", "agent", "act", "name", "version", "method", "path", "status", "redactions", "failed",
                                  "reason")}
           == {"seq": 1, "agent": "helper", "act": "request", "name": "KEY", "version": 2, "method": "GET",
               "path": "/v1/balance", "status": 200, "redactions": 1, "failed": None, "reason": "read the balance"}, f"{first}")
    expect(second["failed"] == "use_forbidden" and second["host"] == "example.org" and second["status"] is None, f"{second}")
    expect(second["reason"] == "tell [redacted KEY]", "a value that an agent knows already is not written down")
    expect(third["failed"] == "unknown_secret" and third["version"] == 0, f"{third}")
    for file in (stage.member.home / "vault").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            no_value(content)
            expect(b"balance" not in content and b"helper" not in content, f"{file.name} is encrypted")


@test
def a_changed_cut_or_exchanged_record_is_found(stage):
    agent = stage.broker().agent()
    for _ in range(3):
        agent.request("KEY", "GET", stage.url())
    (file,) = (stage.member.home / "vault/calls").iterdir()
    expect(stat.S_IMODE(file.stat().st_mode) == 0o600, "the file is its owner's alone")
    whole = file.read_bytes()
    middle = len(whole) // 2
    for broken in (whole[:-1], whole[:middle], b"", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:],
                   whole[100:] + whole[:100]):
        file.write_bytes(broken)
        done = stage.member.run("--json", "calls", code=1)
        expect(b"error[call_record_broken]" in done.stderr, "the listing refuses")
        if len(broken) != len(whole):
            refuses("call_record_broken", agent.request, "KEY", "GET", stage.url())
    file.write_bytes(whole + b"\x30\x00\x00")
    agent.request("KEY", "GET", stage.url())
    expect(len(stage.member.json("calls")) == 4, "what a crash cut off is dropped, and the chain goes on")
    agent.close()


@test
def an_export_is_verified_anywhere(stage):
    agent = stage.broker().agent()
    for _ in range(2):
        agent.request("KEY", "GET", stage.url())
    agent.close()
    export, log = stage.folder / "calls.jsonl", stage.folder / "log"
    export.write_bytes(stage.member.run("calls", "export").stdout)
    stage.member.run("audit", "--offline", "--export", str(log))
    no_value(export.read_bytes())
    stranger = Member(stage.binaries, stage.folder, "stranger")
    verified = stranger.json("calls", "verify", str(export), "--log", str(log))
    expect(verified["calls"] == 2, "a stranger verifies it with the log alone")
    expect(stage.member.json("calls", "verify", str(export))["calls"] == 2, "so does the member")
    lines = export.read_text().splitlines()
    for broken in (lines[1:], lines[:1] + lines[2:], lines[:-1], [lines[1], lines[0], lines[2]],
                   [lines[0].replace('"status":200', '"status":404'), *lines[1:]]):
        export.write_text("\n".join(broken) + "\n")
        stranger.run("calls", "verify", str(export), "--log", str(log), code=1)


if __name__ == "__main__":
    sys.exit(test.play(Stage))
