#!/usr/bin/env python3
"""Devices of a team agree on what a secret may be used for: real processes, a real relay, a vault each.

    conformance/agents/policies.py BINARIES [NAME...]    closes with "N passed, N failed"
"""
import json
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from stage import Failed, Member, Relay, expect  # noqa: E402
from stagehands import Broker, Refused, Tests, Upstream, reply  # noqa: E402

SECRET = "fake-live-4f9c2b7e8d1a6035-only-for-tests"
NEWER = "fake-live-0b5d7a91c36e48f2-only-for-tests"
test = Tests()


class Stage:
    """A relay, a server on loopback, an owner with one secret, and whoever joins."""

    def __init__(self, binaries):
        self.binaries, self.folder = binaries, Path(tempfile.mkdtemp(prefix="agentsecrets-policies-"))
        self.relay, self.upstream = Relay(binaries, self.folder), Upstream(echo)
        self.owner = self.device("owner")
        self.owner.run("workspace", "create", "acme", "--relay", self.relay.url)
        self.owner.run("secrets", "set", "KEY", stdin=SECRET.encode())

    def device(self, name):
        member = Member(self.binaries, self.folder, name)
        member.run("init", "--label", name)
        return member

    def join(self, name, *options):
        member = self.device(name)
        member.run("join", self.owner.out("invite", *options))
        expect(self.owner.out("admit") == name, f"{name} is admitted")
        member.run("secrets", "pull")
        return member

    def agent(self):
        """An agent with its identity string alone, and no vault on disk."""
        file = self.folder / "agent-string"
        recipient = self.owner.out("identity", "new", "--kind", "agent", "--out", str(file))
        self.owner.run("admit", recipient, "--role", "reader", "--scope", "development", "--label", "agent")
        member = Member(self.binaries, self.folder, "agent")
        for name in ("AGENTSECRETS_VAULT_KEY_FILE", "AGENTSECRETS_HOME"):
            del member.environment[name]
        member.environment.update(AGENTSECRETS_VAULT="memory", AGENTSECRETS_IDENTITY=file.read_text().strip())
        return member

    def decide(self, member, *methods, path="/**", options=()):
        """The member sets the policy: these methods and paths of the server on loopback."""
        member.run("policy", "KEY", "--use-only", "--http", "--host", f"127.0.0.1:{self.upstream.port}",
                   "--method", ",".join(methods), "--path", path, "--place", "bearer", *options)

    def url(self, path):
        return self.upstream.url + path

    def close(self):
        self.upstream.stop()
        self.relay.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def echo(handler, secret):
    reply(handler, json.dumps({"path": handler.path, "key": secret}).encode(), content_type="application/json")


def held(member, *options):
    """The policy under which a device holds the secret."""
    return member.json("policy", "KEY", *options)["policy"]


def pulls(*members):
    for member in members:
        member.run("secrets", "pull")


@contextmanager
def handle(member, *options):
    """The secret as a broker beside the member's vault hands it out."""
    broker = Broker(member, "--only", "KEY", *options)
    try:
        expect(broker.token, "the broker starts")
        agent = broker.agent()
        yield lambda method, url: agent.request("KEY", method, url)
        agent.close()
    finally:
        broker.stop()


def refuses(code, ask, *arguments):
    try:
        ask(*arguments)
    except Refused as refused:
        expect(refused.code == code, f"is {refused.code}, not {code}")
    else:
        raise Failed(f"{arguments} is let through, not {code}")


def reads(member, value, *options):
    shown = member.run("secrets", "get", "KEY", "--reveal", *options).stdout
    expect(shown == value.encode(), f"{member.name} reads the value")


def forbidden(member, *arguments, code, **options):
    done = member.run(*arguments, code=1, **options)
    expect(f"error[{code}]".encode() in done.stderr, f"{member.name} {arguments[:2]}: {done.stderr.decode()}")
    expect(not done.stdout, f"{member.name} prints {done.stdout[:20]!r}")


@test
def another_device_holds_the_same_policy_and_is_held_to_it(stage):
    desk = stage.join("desk")
    reads(desk, SECRET)
    expect(held(desk) is None, "without policy it may be read")
    stage.decide(stage.owner, "GET", "POST", path="/v1/**", options=("--sign",))
    pulls(desk)
    expect(held(desk) == held(stage.owner) is not None, f"{held(desk)} and {held(stage.owner)}")
    for member in (stage.owner, desk):
        forbidden(member, "secrets", "get", "KEY", "--reveal", code="read_forbidden")
        forbidden(member, "run", "--only", "KEY", "--", "printenv", "KEY", code="read_forbidden")
        expect(b"KEY=" not in member.run("run", "--", "env").stdout, "nor is it among all variables")
        with handle(member) as request:
            answer = request("POST", stage.url("/v1/charges"))
            expect(answer["status"] == 200 and b"[redacted KEY]" in answer["bytes"], f"{answer}")
            refuses("use_forbidden", request, "GET", stage.url("/v2/charges"))
            refuses("use_forbidden", request, "DELETE", stage.url("/v1/charges"))
            refuses("use_forbidden", request, "GET", "https://example.org/v1/charges")
    sent = stage.upstream.requests
    expect([path for _, path, _, _ in sent] == ["/v1/charges"] * 2, "nothing refused was sent")
    expect({headers["authorization"] for _, _, headers, _ in sent} == {f"Bearer {SECRET}"}, "both sent the key")


@test
def what_is_narrowed_widened_and_taken_away_is_so_on_the_other_device(stage):
    desk = stage.join("desk")
    steps = [(("GET", "POST"), "/v1/**", [("POST", "/v1/a", True), ("GET", "/v1/a/b", True)]),
             (("GET",), "/v1/*", [("POST", "/v1/a", False), ("GET", "/v1/a/b", False), ("GET", "/v1/a", True)]),
             (("GET", "DELETE"), "/**", [("DELETE", "/v2/a", True), ("POST", "/v1/a", False)])]
    for methods, path, asked in steps:
        stage.decide(stage.owner, *methods, path=path)
        pulls(desk)
        expect(held(desk) == held(stage.owner), "both hold the same")
        with handle(desk) as request:
            for method, target, allowed in asked:
                if allowed:
                    expect(request(method, stage.url(target))["status"] == 200, f"{method} {target} is allowed")
                else:
                    refuses("use_forbidden", request, method, stage.url(target))
    stage.owner.run("policy", "KEY", "--none")
    pulls(desk)
    expect(held(desk) is None and held(stage.owner) is None, "both hold none")
    reads(desk, SECRET)
    reads(stage.owner, SECRET)
    # What carried the policy once does not bring it back.
    rows = [row["version"] for row in desk.json("secrets", "history", "KEY") if row["live"]]
    expect(rows == [5], f"each decision was a version: {rows}")


@test
def admins_decide_on_any_device_and_writers_on_none(stage):
    desk, clerk = stage.join("desk", "--role", "admin"), stage.join("clerk", "--role", "writer")
    stage.decide(desk, "GET")
    pulls(stage.owner, clerk)
    expect(held(stage.owner) == held(desk) == held(clerk) is not None, "what the admin set reaches all")
    forbidden(clerk, "policy", "KEY", "--none", code="forbidden")
    forbidden(clerk, "policy", "KEY", "--readable", code="forbidden")
    before = held(desk)
    clerk.run("secrets", "set", "KEY", stdin=NEWER.encode())
    pulls(stage.owner, desk)
    expect(held(stage.owner) == held(desk) == held(clerk) == before, "a new value is under the same policy")
    forbidden(desk, "secrets", "get", "KEY", "--reveal", code="read_forbidden")
    with handle(desk) as request:
        request("GET", stage.url("/"))
    expect(stage.upstream.requests[-1][2]["authorization"] == f"Bearer {NEWER}", "and the newer value is used")


@test
def two_admins_who_decide_at_once_end_with_one_policy(stage):
    desk = stage.join("desk", "--role", "admin")
    stage.decide(stage.owner, "GET")
    # The desk has not seen that; its decision is made upon it.
    stage.decide(desk, "POST")
    pulls(stage.owner)
    expect(held(stage.owner) == held(desk), "both hold the same")
    expect(held(desk)["rules"][0]["methods"] == ["POST"], f"the later one: {held(desk)}")


@test
def a_member_who_knows_no_other_name_is_bound_too(stage):
    """Its scope is one secret: it holds no workspace key, and reads names from parcels alone."""
    stage.owner.run("secrets", "set", "UNSEEN", stdin=b"nothing of its business")
    blind = stage.join("blind", "--role", "writer", "--scope", "development:KEY")
    place = {row["name"]: row["id"] for row in stage.owner.json("env", "list")}["development"]
    stage.decide(stage.owner, "GET", path="/v1/*")
    blind.run("secrets", "pull", "--env", place)
    expect(held(blind, "--env", place) == held(stage.owner), "it holds the same policy")
    forbidden(blind, "secrets", "get", "KEY", "--env", place, "--reveal", code="read_forbidden")
    with handle(blind, "--env", place) as request:
        expect(request("GET", stage.url("/v1/a"))["status"] == 200, "it may be used")
        refuses("use_forbidden", request, "GET", stage.url("/v2/a"))
    forbidden(blind, "policy", "KEY", "--env", place, "--none", code="forbidden")
    stage.owner.run("policy", "KEY", "--none")
    blind.run("secrets", "pull", "--env", place)
    reads(blind, SECRET, "--env", place)


@test
def an_agent_by_its_identity_alone_has_what_the_policy_of_now_gives(stage):
    agent = stage.agent()
    forbidden(agent, "secrets", "get", "KEY", "--reveal", code="read_forbidden")
    with handle(agent) as request:
        refuses("use_forbidden", request, "GET", stage.url("/v1/a"))
    stage.decide(stage.owner, "GET", path="/v1/*")
    expect(held(agent) == held(stage.owner), "it holds the same policy")
    with handle(agent) as request:
        expect(request("GET", stage.url("/v1/a"))["status"] == 200, "it may be used")
        refuses("use_forbidden", request, "POST", stage.url("/v1/a"))
    stage.owner.run("policy", "KEY", "--readable")
    reads(agent, SECRET)
    stage.owner.run("policy", "KEY", "--none")
    forbidden(agent, "secrets", "get", "KEY", "--reveal", code="read_forbidden")


if __name__ == "__main__":
    sys.exit(test.play(Stage))
