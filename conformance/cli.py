#!/usr/bin/env python3
"""The command's contract, seen from outside: real processes, real relay, real vault files.

    conformance/cli.py BINARIES [NAME...]    closes with "N passed, N failed"
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
import threading
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from stage import ROOT, Failed, Member, Relay, Wiretap, expect, free_port  # noqa: E402

TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Stage:
    """A folder for one test, with whatever it started."""

    def __init__(self, binaries):
        self.binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="agentsecrets-cli-"))
        self.running = []

    def relay(self, **options):
        relay = Relay(self.binaries, self.folder, **options)
        self.running.append(relay)
        return relay

    def member(self, name, init=True, **variables):
        member = Member(self.binaries, self.folder, name, **variables)
        if init:
            member.run("init", "--label", name)
        return member

    def team(self, *names, role="writer"):
        """A relay, an owner, and members who have joined."""
        relay = self.relay()
        owner = self.member("owner")
        owner.run("workspace", "create", "acme", "--relay", relay.url)
        return relay, owner, [self.join(owner, name, role) for name in names]

    def join(self, owner, name, role="writer", *options):
        member = self.member(name)
        member.run("join", owner.out("invite", "--role", role, *options))
        expect(owner.out("admit") == name, f"{name} is admitted under its label")
        member.run("secrets", "pull")
        return member

    def local(self, name="solo"):
        member = self.member(name)
        member.run("workspace", "create", "acme")
        return member

    def close(self):
        for process in self.running:
            try:
                process.stop()
            except Failed:
                pass
        shutil.rmtree(self.folder, ignore_errors=True)


def fails(member, code, *arguments, exit_code=1, **options):
    """The command fails with this code, in words and in JSON, with a command that helps."""
    done = member.run("--json", *arguments, code=exit_code, **options)
    last = json.loads(done.stderr.decode().strip().splitlines()[-1])["error"]
    expect(last["code"] == code, f"{' '.join(arguments[:3])} fails with {code}, not {last['code']}: {last['message']}")
    expect(last["message"] and last["hint"] and f"error[{code}]" in done.stderr.decode(), "cause and help are named")
    return last


def tree(folder):
    """Everything in a folder, as bytes, but for lock files."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "lock"}


# --- from .env to a working program ------------------------------------------------------------------


@test
def one_command_leads_from_env_file_to_run(stage):
    solo = stage.member("solo", init=False)
    (solo.project / ".env").write_text("API_KEY='fake key'\nPORT=3000\n")
    solo.run("init", "--label", "laptop", "--import", ".env")
    expect(solo.out("run", "--", "printenv", "API_KEY") == "fake key", "the child sees the value")
    (solo.project / ".env").write_text("PORT=3001\n")
    solo.run("init", "--import", ".env")
    expect(solo.out("run", "--", "printenv", "PORT") == "3001", "a second init still imports")
    before = solo.out("identity")
    solo.run("init")
    expect(solo.out("identity") == before, "a second init changes nothing")


@test
def values_are_bytes(stage):
    solo = stage.local()
    for value in (b"", b"line\n", b"\xff\x00\xfe", "grün€".encode(), b"x" * 65536):
        solo.run("secrets", "set", "BYTES", stdin=value)
        expect(solo.run("secrets", "get", "BYTES", "--reveal").stdout == value, "a value comes back byte for byte")
    noted = solo.run("secrets", "set", "LINE", stdin=b"a\n").stderr
    expect(b"line break" in noted, "a trailing line break is noted")


@test
def export_gives_back_what_was_imported(stage):
    solo = stage.local()
    for environment in ("development", "staging", "production"):
        file = stage.folder / f".env.{environment}"
        shutil.copy(ROOT / "examples/acme" / file.name, file)
        subprocess.run([str(ROOT / "examples/acme/make-large-value"), str(file)], check=True)
        solo.run("secrets", "import", str(file), "--env", environment)
        exported = stage.folder / "again.env"
        exported.write_bytes(solo.run("secrets", "export", "--env", environment, "--reveal").stdout)
        digests = [subprocess.run([str(ROOT / "examples/acme/app.py"), "--file", str(f)], capture_output=True, check=True).stdout
                   for f in (file, exported)]
        expect(digests[0] == digests[1], f"{environment} comes back as it was")
        as_json = json.loads(solo.run("secrets", "export", "--env", environment, "--reveal", "--format", "json").stdout)
        expect(len(as_json) >= 25, "JSON holds every entry")


@test
def json_carries_bytes_as_base64(stage):
    solo = stage.local()
    solo.run("secrets", "set", "RAW", stdin=b"\xff\xfe")
    exported = solo.run("secrets", "export", "--reveal", "--format", "json").stdout
    expect(json.loads(exported)["RAW"] == {"base64": "//4="}, "bytes travel as base64")
    file = stage.folder / "in.json"
    file.write_bytes(exported)
    solo.run("secrets", "import", str(file), "--env", "staging")
    expect(solo.run("secrets", "get", "RAW", "--env", "staging", "--reveal").stdout == b"\xff\xfe", "and come back")


@test
def run_passes_exit_code_signals_and_streams_through(stage):
    solo = stage.local()
    solo.run("secrets", "set", "A", stdin=b"1")
    done = solo.run("run", "--", "sh", "-c", "cat; echo err >&2; exit 7", stdin=b"in", code=7)
    expect((done.stdout, done.stderr) == (b"in", b"err\n"), "nothing of ours is in the child's streams")
    child = solo.start("run", "--", "sleep", "30")
    time.sleep(0.5)
    child.send_signal(signal.SIGTERM)
    expect(child.wait(10) == -signal.SIGTERM, "a signal reaches the child")
    seen = solo.out("run", "--", "env")
    expect("AGENTSECRETS_IDENTITY" not in seen and "AGENTSECRETS_VAULT" not in seen, "our variables stay with us")
    expect(solo.out("run", "--only", "A", "--", "sh", "-c", "echo $A") == "1", "--only chooses")
    fails(solo, "missing_secrets", "run", "--only", "A,GONE", "--", "true")
    solo.run("secrets", "set", "NUL", stdin=b"a\0b")
    error = fails(solo, "not_an_environment_value", "run", "--", "touch", str(stage.folder / "started"))
    expect("NUL" in error["message"] and not (stage.folder / "started").exists(), "refused by name before the child starts")


@test
def listings_have_their_shapes(stage):
    relay, owner, [other] = stage.team("other")
    owner.run("secrets", "set", "KEY", stdin=b"fake-one")
    other.run("secrets", "pull")
    rows = other.json("secrets", "list")
    expect([sorted(row) for row in rows] == [["author", "environment", "name", "updated_at", "version"]], "secrets list")
    expect(rows[0]["author"] == "owner" and rows[0]["version"] == 1, "author and version are the log's")
    audit = other.json("audit")
    keys = ["author", "environment", "kind", "names", "recipients", "seq", "time"]
    expect(all(sorted(row) == keys for row in audit), "audit")
    push = [row for row in audit if row["kind"] == "push"][0]
    expect(push["names"] == ["KEY"] and sorted(push["recipients"]) == ["other", "owner"], "who could read what")
    expect({row["label"] for row in other.json("members")} == {"owner", "other"}, "members")
    expect([row["name"] for row in other.json("env", "list")] == ["development", "production", "staging"], "env list")
    expect(other.json("identity")["recipient"].startswith("asrecipient1"), "identity")
    expect(all(check["ok"] for check in other.json("doctor")), "doctor finds nothing to mend")
    del relay


# --- a team --------------------------------------------------------------------------------------------


@test
def safety_numbers_agree_and_have_60_digits(stage):
    _, owner, [other] = stage.team("other")
    ours, theirs = owner.out("safety-number", "other"), other.out("safety-number", "owner")
    digits = [c for c in ours if c.isdigit()]
    expect(ours == theirs and len(digits) == 60, "both devices show the same 60 digits")


@test
def invite_wait_and_join_wait_meet(stage):
    relay = stage.relay()
    owner, other = stage.member("owner"), stage.member("other")
    owner.run("workspace", "create", "acme", "--relay", relay.url)
    owner.run("secrets", "set", "A", stdin=b"1")
    inviting = owner.start("invite", "--wait", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    code = inviting.stdout.readline().strip()
    expect(other.out("join", code, "--wait", timeout=60) == "admitted", "join --wait ends with the admission")
    expect(inviting.wait(60) == 0, "invite --wait ends with it, too")
    expect(other.out("secrets", "get", "A", "--reveal") == "1", "the newcomer has what there was")


@test
def drift_is_seen_both_ways_and_without_deliveries(stage):
    relay, owner, [other] = stage.team("other")
    owner.run("secrets", "set", "A", stdin=b"1")
    other.run("secrets", "pull")
    owner.run("secrets", "set", "A", stdin=b"2")
    owner.run("secrets", "set", "B", stdin=b"1")
    asked = relay.log.read_text().count("/deliveries")
    seen = other.json("secrets", "diff", "--exit-code", code=3)
    for command in (["history", "A"], ["diff"]):
        other.run("secrets", *command)
    for command in (["members"], ["audit"], ["diff", "staging", "production"]):
        other.run(*command)
    expect(relay.log.read_text().count("/deliveries") == asked, "listings fetch the log, never deliveries")
    states = {change["name"]: change["state"] for change in seen["changes"]}
    expect(states == {"A": "remote_ahead", "B": "missing_here"} and not seen["in_sync"], "the log is ahead")
    relay.stop()
    offline = other.json("secrets", "diff", "--offline")
    expect(not offline["in_sync"], "offline compares with the last log seen")
    relay.start()
    other.run("secrets", "pull")
    expect(other.json("secrets", "diff", "--exit-code")["in_sync"], "after a pull all is in sync")
    owner.run("secrets", "delete", "B")
    states = [change["state"] for change in other.json("secrets", "diff")["changes"]]
    expect(states == ["remote_ahead"], "a deletion there is remote_ahead")
    other.run("secrets", "delete", "A", "--no-push")
    states = {change["name"]: change["state"] for change in other.json("secrets", "diff")["changes"]}
    expect(states["A"] == "local_modified", "a deletion here is local_modified")


@test
def conflicts_are_refused_and_resolved_either_way(stage):
    _, owner, [other] = stage.team("other")
    owner.run("secrets", "set", "A", stdin=b"base")
    other.run("secrets", "pull")
    for resolve, live in ((["push", "--mine"], "mine-0"), (["pull", "--theirs"], "theirs-1")):
        turn = live[-1]
        other.run("secrets", "set", "A", "--no-push", stdin=f"mine-{turn}".encode())
        owner.run("secrets", "pull")
        owner.run("secrets", "set", "A", stdin=f"theirs-{turn}".encode())
        fails(other, "conflict", "secrets", "push")
        fails(other, "conflict", "secrets", "pull")
        fails(other, "conflict", "secrets", "set", "B", stdin=b"x")
        expect(other.json("secrets", "diff")["changes"][0]["state"] == "conflict", "drift calls it conflict")
        other.run("secrets", *resolve)
        owner.run("secrets", "pull")
        expect(owner.out("secrets", "get", "A", "--reveal") == live, f"{resolve[1]} decides")
        other.run("secrets", "pull")
        expect(other.out("secrets", "get", "A", "--reveal") == live, "for both")
    operations = [row["operation"] for row in other.json("secrets", "history", "A")]
    expect(operations.count("given_up") == 1 and operations.count("put") == 4, "the history keeps both versions")


@test
def rollback_takes_versions_that_the_vault_holds(stage):
    solo = stage.local()
    for number in range(12):
        solo.run("secrets", "set", "A", stdin=f"v{number + 1}".encode())
    solo.run("secrets", "rollback", "A", "5")
    expect(solo.out("secrets", "get", "A", "--reveal") == "v5", "the old value is live again")
    expect([row["version"] for row in solo.json("secrets", "history", "A") if row["live"]] == [13], "as a new version")
    fails(solo, "version_not_held", "secrets", "rollback", "A", "1")


@test
def scopes_and_roles_hold(stage):
    _, owner, _ = stage.team()
    owner.run("secrets", "set", "DEV", stdin=b"1")
    owner.run("secrets", "set", "PROD", "--env", "production", stdin=b"2")
    reader = stage.join(owner, "reader", "reader", "--scope", "development")
    expect(reader.out("secrets", "get", "DEV", "--reveal") == "1", "in scope")
    fails(reader, "out_of_scope", "secrets", "pull", "--env", "production")
    fails(reader, "forbidden", "secrets", "set", "DEV", stdin=b"x")
    fails(reader, "forbidden", "invite")
    blind = stage.member("blind")
    owner.run("admit", blind.out("identity"), "--role", "reader", "--scope", "production:PROD", "--label", "blind")
    row = {row["label"]: row for row in owner.json("members")}["blind"]
    expect(row["how"] == "out_of_band" and row["scope"] == ["production:PROD"], "how and scope are visible")


@test
def a_writer_of_single_secrets_is_told_at_once_what_lies_outside(stage):
    _, owner, _ = stage.team()
    owner.run("secrets", "set", "PROD", "--env", "production", stdin=b"1")
    single = stage.join(owner, "single", "writer", "--scope", "production:PROD")
    place = {row["name"]: row["id"] for row in owner.json("env", "list")}["production"]
    single.run("secrets", "set", "PROD", "--env", place, stdin=b"2")
    error = fails(single, "out_of_scope", "secrets", "set", "OTHER", "--env", place, "--no-push", stdin=b"x")
    expect("OTHER" in error["message"], "by name, before anything is kept")
    owner.run("secrets", "pull")
    expect(owner.out("secrets", "get", "PROD", "--env", "production", "--reveal") == "2", "what lies inside is pushed")


@test
def import_reads_what_is_piped_and_refuses_what_is_sealed(stage):
    solo = stage.local()
    solo.run("secrets", "import", "-", stdin=b"A: 'it''s'\nB: |-\n  one\n  two\n")
    expect(solo.out("secrets", "get", "B", "--reveal") == "one\ntwo", "YAML is known by its first line")
    solo.run("secrets", "import", "-", "--format", "sops-dotenv", stdin=b"A='q' # r\n")
    expect(solo.out("secrets", "get", "A", "--reveal") == "'q' # r", "a format that is named is taken")
    for text in (b"A=encrypted:fake-sealed", b"A: ENC[AES256_GCM,data:fake-sealed]\nsops:\n  mac: x\n", b"A=fake-sealed\nA=2\n"):
        done = solo.run("secrets", "import", "-", stdin=text, code=None)
        expect(done.returncode in (1, 2) and b"fake-sealed" not in done.stderr, "refused, and nothing is repeated")
    expect(solo.out("secrets", "get", "A", "--reveal") == "'q' # r", "nothing of it is stored")


def from_its_string(stage, owner, kind):
    """A reader of this kind, admitted by its recipient, with its identity string alone."""
    file = stage.folder / f"{kind}-string"
    recipient = owner.out("identity", "new", "--kind", kind, "--out", str(file))
    expect(stat.S_IMODE(file.stat().st_mode) == 0o600, "the file is for its owner alone")
    owner.run("admit", recipient, "--role", "reader", "--scope", "development", "--label", kind)
    member = stage.member(kind, init=False)
    for name in ("AGENTSECRETS_VAULT_KEY_FILE", "AGENTSECRETS_HOME"):
        del member.environment[name]
    member.environment.update(AGENTSECRETS_VAULT="memory", AGENTSECRETS_IDENTITY=file.read_text().strip())
    return member


@test
def a_job_works_from_its_identity_string_alone(stage):
    _, owner, _ = stage.team()
    owner.run("secrets", "set", "A", stdin=b"for the job")
    fails(owner, "invalid_argument", "identity", "new", exit_code=2)
    job = from_its_string(stage, owner, "ci")
    expect(job.out("run", "--", "printenv", "A") == "for the job", "no file and no keychain is needed")
    expect(not list(job.home.rglob("*")), "nothing is left on disk")
    fails(job, "unknown_environment", "secrets", "list", "--env", "nowhere")


@test
def an_agent_reads_what_a_policy_lets_it_read_and_nothing_else(stage):
    _, owner, _ = stage.team()
    for name in ("A", "B"):
        owner.run("secrets", "set", name, stdin=f"fake {name}".encode())
    owner.run("secrets", "push")
    owner.run("policy", "B", "--readable")
    agent = from_its_string(stage, owner, "agent")
    fails(agent, "read_forbidden", "secrets", "get", "A", "--reveal")
    expect(agent.out("secrets", "get", "B", "--reveal") == "fake B", "its policy says that it may be read")


@test
def a_local_workspace_is_published_unchanged(stage):
    solo = stage.local()
    solo.run("secrets", "set", "A", stdin=b"before")
    relay = stage.relay()
    fails(solo, "no_relay", "invite")
    head = solo.json("audit")[-1]
    solo.run("workspace", "connect", "--relay", relay.url)
    expect(solo.json("audit")[-1] == head, "the chain is the same")
    fails(solo, "already_published", "workspace", "connect", "--relay", relay.url)
    other = stage.join(solo, "other")
    expect(other.out("secrets", "get", "A", "--reveal") == "before", "a newcomer has what there was")


@test
def a_removed_member_gets_nothing_more_and_what_it_knew_needs_a_new_value(stage):
    _, owner, [other, third] = stage.team("other", "third")
    for name in ("A", "B"):
        owner.run("secrets", "set", name, stdin=f"old-{name}".encode())
    for member in (other, third):
        member.run("secrets", "pull")
    noted = owner.run("remove", "other", "--reason", "lost-device").stderr.decode()
    expect("secrets set A --env development" in noted and "secrets set B" in noted, "what needs a new value is listed")
    fails(other, "not_admitted", "secrets", "pull")
    fails(other, "not_admitted", "secrets", "set", "A", stdin=b"from outside")
    third.run("secrets", "pull")
    states = {change["name"]: change["state"] for change in third.json("secrets", "diff")["changes"]}
    expect(states == {"A": "needs_rotation", "B": "needs_rotation"}, f"drift says it: {states}")
    expect(third.json("secrets", "diff", "--exit-code")["in_sync"], "and alone it is no drift")
    third.run("secrets", "set", "A", stdin=b"new-A")
    owner.run("secrets", "pull")
    owner.run("secrets", "set", "B", stdin=b"old-B")
    owner.run("secrets", "pull")
    needs = {row["name"]: row["readers"] for row in owner.json("exposure")}
    expect(needs == {"B": ["other"]}, f"a new value clears, the same value again does not: {needs}")
    owner.run("secrets", "delete", "B")
    expect([row["name"] for row in owner.json("exposure")] == ["B"], "deleting clears nothing")
    knew = {row["name"]: row["versions"] for row in owner.json("exposure", "other")}
    expect(knew == {"A": [1], "B": [1]}, f"exposure is what the log says: {knew}")
    expect(third.out("secrets", "get", "A", "--reveal") == "new-A", "the others go on")
    audit = [row["kind"] for row in owner.json("audit")]
    expect(audit.count("remove") == 1 and audit.count("rekey") == 1, "removal and rekey stand in the log")
    owner.run("secrets", "set", "LATER", stdin=b"1")
    third.run("secrets", "pull")
    expect(third.out("secrets", "get", "LATER", "--reveal") == "1", "names under the new generation are readable")
    fourth = stage.join(owner, "fourth")
    expect(fourth.out("secrets", "get", "A", "--reveal") == "new-A", "a newcomer gets all generations")


@test
def roles_and_scopes_change_and_the_last_owner_stays(stage):
    _, owner, [other] = stage.team("other")
    owner.run("secrets", "set", "DEV", stdin=b"1")
    owner.run("secrets", "set", "PROD", "--env", "production", stdin=b"2")
    other.run("secrets", "pull")
    fails(owner, "forbidden", "leave")
    fails(owner, "forbidden", "role", "owner", "reader")
    fails(other, "forbidden", "remove", "owner")
    owner.run("role", "other", "admin")
    expect({row["label"]: row["role"] for row in other.json("members")}["other"] == "admin", "the role changes")
    fails(other, "forbidden", "role", "other", "owner")
    noted = owner.run("scope", "other", "development").stderr.decode()
    expect("PROD" in noted, "a narrower scope is exposure, too")
    fails(other, "out_of_scope", "secrets", "pull", "--env", "production")
    owner.run("scope", "other", "production:PROD")
    owner.run("scope", "other", "all")
    other.run("secrets", "pull")
    expect(other.out("secrets", "get", "PROD", "--env", "production", "--reveal") == "2", "a wider scope brings it back")
    owner.run("role", "other", "owner")
    owner.run("leave")
    fails(owner, "not_admitted", "secrets", "pull")
    other.run("secrets", "set", "AFTER", stdin=b"3")


@test
def acks_tell_who_is_behind(stage):
    _, owner, [other] = stage.team("other")
    owner.run("secrets", "set", "A", stdin=b"1")
    owner.run("secrets", "set", "B", stdin=b"1")
    behind = {row["member"]: row["behind"] for row in owner.json("secrets", "diff", "--team")}
    expect(behind == {"owner": 0, "other": 2}, f"by their own word: {behind}")
    other.run("secrets", "pull")
    behind = {row["member"]: row["behind"] for row in owner.json("secrets", "diff", "--team")}
    expect(behind == {"owner": 0, "other": 0}, f"after a pull: {behind}")
    owner.run("safety-number", "other", "--confirm")


@test
def two_processes_on_two_branches_find_out(stage):
    """The relay forks: each member is shown another continuation. The first ack from the other branch shows it."""
    relay, owner, [other] = stage.team("other")
    other.run("secrets", "pull")
    relay.stop()
    branch = stage.folder / "branch"
    shutil.copytree(relay.data, branch)
    relay.start()
    owner.run("secrets", "set", "A", stdin=b"on the first branch")
    relay.stop()
    relay.data.rename(stage.folder / "first")
    branch.rename(relay.data)
    relay.start()
    other.run("secrets", "set", "B", stdin=b"on the second branch")
    done = owner.run("--json", "secrets", "pull", code=1)
    code = json.loads(done.stderr.decode().strip().splitlines()[-1])["error"]["code"]
    expect(code in ("fork", "rollback", "withheld"), f"the owner's pin shows it: {code}")
    expect(owner.out("head", "--words", "--offline") != other.out("head", "--words"), "and so do the words")


@test
def a_restored_relay_gets_back_what_it_lost(stage):
    relay, owner, [other] = stage.team("other")
    other.run("secrets", "pull")
    relay.stop()
    backup = stage.folder / "backup"
    shutil.copytree(relay.data, backup)
    relay.start()
    owner.run("secrets", "set", "A", stdin=b"lost by the relay")
    relay.stop()
    shutil.rmtree(relay.data)
    backup.rename(relay.data)
    relay.start()
    done = owner.run("secrets", "pull", code=1)
    expect(b"error[rollback]" in done.stderr and b"help: agentsecrets workspace repush" in done.stderr, done.stderr)
    expect(owner.out("workspace", "repush").startswith("brought back 1 entry,"), "what was lost comes back")
    expect(owner.out("workspace", "repush") == "the relay lacks nothing", "once")
    # The log has the entry; its value has to come from a member who holds it.
    fails(other, "delivery_withheld", "secrets", "pull")
    owner.run("secrets", "pull")
    other.run("secrets", "pull")
    expect(other.out("secrets", "get", "A", "--reveal") == "lost by the relay", "and the value with it")


@test
def a_policy_lets_a_stale_log_block(stage):
    """Nobody else is heard of for a week: a warning; where the policy says so, no push and no pull."""
    _, owner, [other] = stage.team("other")
    other.run("secrets", "pull")
    owner.run("secrets", "set", "A", stdin=b"1")
    fails(other, "forbidden", "workspace", "policy", "--stale", "blocks-push")
    expect(owner.json("workspace", "policy") == {"fresh_seconds": 604800, "stale": "warns"}, "a week, and it warns")
    week = dict(before=("faketime", "-f", "+8d"))
    done = owner.run("secrets", "pull", **week)
    expect(b"warning[stale]" in done.stderr, f"after a week: {done.stderr}")
    owner.run("workspace", "policy", "--stale", "blocks-push")
    fails(owner, "stale", "secrets", "set", "A", stdin=b"2", **week)
    owner.run("secrets", "pull", **week)
    owner.run("workspace", "policy", "--stale", "blocks-both", "--fresh", "12h")
    fails(owner, "stale", "secrets", "pull", **week)
    done = owner.run("secrets", "pull", **week, code=1)
    expect(b"help: agentsecrets head --words" in done.stderr, "the way out is named")
    other.run("secrets", "pull")
    owner.run("secrets", "pull")


@test
def an_identity_comes_back_from_its_words(stage):
    _, owner, [other] = stage.team("other")
    owner.run("secrets", "set", "A", stdin=b"kept by the others")
    fails(other, "invalid_argument", "identity", "backup", exit_code=2)
    words = other.run("identity", "backup", "--reveal").stdout
    expect(len(words.split()) == 24, "24 words")
    fresh = stage.member("fresh", init=False)
    shutil.copy(other.project / ".agentsecrets.toml", fresh.project)
    fails(fresh, "unpinned", "recover", stdin=words)
    fails(fresh, "malformed_words", "recover", "--unpinned", stdin=words.replace(words.split()[0], b"zoo", 1))
    fresh.run("recover", "--head", owner.out("head"), stdin=words)
    expect(fresh.out("identity") == other.out("identity"), "it is the same identity")
    fresh.run("secrets", "pull")
    expect(fresh.out("secrets", "get", "A", "--reveal") == "kept by the others", "and has what it may read")
    elsewhere = stage.member("elsewhere")
    fails(elsewhere, "invalid_argument", "recover", exit_code=2, stdin=words)


@test
def heads_are_compared_by_voice_and_by_file(stage):
    _, owner, [other] = stage.team("other")
    expect(owner.out("head", "--words") == other.out("head", "--words"), "both read the same words")
    expect(len(owner.json("head")["words"].split()) == 8, "eight of them")
    owner.run("head", "--write")
    line = (owner.project / ".agentsecrets.head").read_text()
    (other.project / ".agentsecrets.head").write_text(line)
    owner.run("secrets", "set", "A", stdin=b"1")
    other.run("head")
    seq = int(line.split()[3].split(":")[0])
    (other.project / ".agentsecrets.head").write_text(line.replace(f" {seq}:", f" {seq + 9}:"))
    fails(other, "withheld", "head")
    (other.project / ".agentsecrets.head").write_text(line.strip()[:-4] + "0000\n")
    fails(other, "fork", "head")


@test
def an_exported_log_is_verified_without_any_secret_and_every_edit_is_caught(stage):
    _, owner, [other] = stage.team("other")
    owner.run("secrets", "set", "A", stdin=b"1")
    file = stage.folder / "log"
    owner.run("audit", "--export", str(file))
    stranger = stage.member("stranger", init=False)
    report = stranger.json("verify", str(file))
    expect(report["members"] == 2 and other.json("verify")["entries"] <= report["entries"], "a stranger verifies it")
    expect(stranger.json("verify", str(file), "--head", report["head"])["head"] == report["head"], "against a head")
    lines = file.read_text().splitlines()
    seq = int(report["head"].split(":")[0])
    fails(stranger, "rollback", "verify", str(file), "--head", f"{seq + 1}:{'ab' * 32}")
    fails(stranger, "fork", "verify", str(file), "--head", f"{seq}:{'ab' * 32}")
    changed = [lines[0], *lines[1:3], lines[3][:60] + ("A" if lines[3][60] != "A" else "B") + lines[3][61:], *lines[4:]]
    for edit in (changed, lines[:2] + lines[3:], lines + lines[-1:], lines[:1] + lines[2:], lines[:3] + lines[2:3] + lines[3:]):
        file.write_text("\n".join(edit) + "\n")
        done = stranger.run("verify", str(file), code=1)
        expect(b"error[" in done.stderr, "an edit is caught")


# --- bad input -------------------------------------------------------------------------------------------


@test
def bad_invitations_are_refused(stage):
    relay = stage.relay()
    owner, other = stage.member("owner"), stage.member("other")
    owner.run("workspace", "create", "acme", "--relay", relay.url)
    code = owner.out("invite")
    before = tree(other.home)
    for bad in (code[:-3], code[:40], "nonsense", code.replace(code[20], "q" if code[20] != "q" else "p", 1), "asinvite1" + code[::-1]):
        fails(other, "malformed_invitation", "join", bad)
    expect(tree(other.home) == before and not (other.project / ".agentsecrets.toml").exists(), "the vault is as it was")
    short = owner.out("invite", "--expires", "1s")
    time.sleep(1.5)
    fails(other, "invitation_expired", "join", short)
    row = [r for r in owner.json("invitations") if r["expires"]][0]
    withdrawn = owner.out("invite")
    newest = [r["id"] for r in owner.json("invitations") if r["id"] != row["id"]]
    for each in newest:
        owner.run("uninvite", each[:16], code=None)
    fails(other, "invitation_unknown", "join", withdrawn)
    expect(tree(other.home) == before, "the vault is as it was")
    fresh = owner.out("invite")
    other.run("join", fresh)
    other.run("join", fresh)
    fails(other, "not_admitted", "secrets", "pull")
    third = stage.member("third")
    fails(third, "invitation_used", "join", fresh)
    owner.run("admit")
    other.run("secrets", "pull")
    fails(other, "already_member", "join", fresh)
    fails(third, "invitation_unknown", "join", fresh)
    stranger = stage.local("stranger")
    fails(stranger, "workspace_mismatch", "join", owner.out("invite"))


@test
def unknown_and_ambiguous_members(stage):
    _, owner, _ = stage.team("twin")
    second = stage.member("second")
    owner.run("admit", second.out("identity"), "--label", "twin")
    fails(owner, "unknown_member", "safety-number", "nobody")
    error = fails(owner, "ambiguous_member", "safety-number", "twin", exit_code=2)
    expect(error["message"].count("twin (") == 2, "the list is shown")


@test
def names_and_values_have_limits(stage):
    solo = stage.local()
    for name in ("1A", "A-B", "A B", "", "Ä", "A" * 257):
        error = fails(solo, "invalid_name", "secrets", "set", name, stdin=b"x")
        expect(name == "" or name not in error["message"] or len(name) < 3, "the text is not repeated")
    fails(solo, "value_too_large", "secrets", "set", "BIG", stdin=b"x" * 65537)
    fails(solo, "unknown_secret", "secrets", "get", "GONE", "--reveal")
    fails(solo, "unknown_secret", "secrets", "delete", "GONE")
    fails(solo, "invalid_argument", "secrets", "get", "A", exit_code=2)
    expect(solo.run("secrets", "frobnicate", code=2).returncode == 2, "usage is 2")
    (solo.project / "bad.env").write_text("GOOD=1\nthis is no line\n")
    error = fails(solo, "dotenv_syntax", "secrets", "import", "bad.env")
    expect("2" in error["message"] and not solo.json("secrets", "list"), "the line is named, nothing is imported")


@test
def no_identity_no_workspace(stage):
    nobody = stage.member("nobody", init=False)
    fails(nobody, "no_identity", "secrets", "list")
    nobody.run("init")
    fails(nobody, "no_workspace", "secrets", "list")
    (nobody.project / ".agentsecrets.toml").write_text("workspace = 7\n")
    fails(nobody, "project_file", "secrets", "list")


class BadServer:
    """What answers where a relay should be."""

    def __init__(self, answer):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.answer = answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection:
            try:
                connection.recv(65536)
                self.answer(connection)
            except OSError:
                pass

    def stop(self):
        self.socket.close()


def endless(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


@test
def bad_relays_give_an_error_in_time(stage):
    html = b"<!doctype html><p>Welcome to our network"
    answers = {
        "relay_malformed": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(html) + html),
        "relay_error": lambda c: c.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
        "relay_too_large": endless,
    }
    solo = stage.local()
    solo.run("secrets", "set", "A", stdin=b"1")
    before = tree(solo.home)
    for code, answer in answers.items():
        server = BadServer(answer)
        fails(solo, code, "workspace", "connect", "--relay", server.url, timeout=60)
        server.stop()
    half = BadServer(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"head\":"))
    fails(solo, "relay_malformed", "workspace", "connect", "--relay", half.url, timeout=60)
    half.stop()
    fails(solo, "relay_unreachable", "workspace", "connect", "--relay", f"http://127.0.0.1:{free_port()}", timeout=60)
    expect(tree(solo.home) == before, "the vault is as it was")


@test
def a_slow_relay_ends_in_an_error(stage):
    solo = stage.local()
    silent = BadServer(lambda c: time.sleep(300))
    fails(solo, "relay_timeout", "workspace", "connect", "--relay", silent.url, timeout=200)
    silent.stop()


@test
def the_vault_refuses_wrong_keys_and_damage(stage):
    solo = stage.local()
    solo.run("secrets", "set", "A", stdin=b"fake-value")
    vault = solo.home / "vault"
    key = Path(solo.environment["AGENTSECRETS_VAULT_KEY_FILE"])
    good = key.read_bytes()
    key.write_bytes(bytes(32))
    fails(solo, "wrong_vault_key", "secrets", "list")
    key.write_bytes(good[:31])
    fails(solo, "vault_key_file", "secrets", "list")
    key.write_bytes(good)
    key.chmod(0o644)
    fails(solo, "vault_key_file", "secrets", "list")
    key.chmod(0o600)
    files = [p for p in vault.rglob("*") if p.is_file() and p.name not in ("lock", "vault.kind")]
    for file in files:
        whole = file.read_bytes()
        for damaged in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[: len(whole) // 2]):
            file.write_bytes(damaged)
            done = solo.run("--json", "secrets", "list", "--env", "development", code=None)
            if done.returncode:
                code = json.loads(done.stderr.decode().strip().splitlines()[-1])["error"]["code"]
                expect(code in ("vault_damaged", "wrong_vault_key"), f"damage is named, not {code}")
        file.write_bytes(whole)
    (vault / "vault.kind").write_text("keychain\n")
    fails(solo, "vault_kind_mismatch", "secrets", "list")
    (vault / "vault.kind").write_text("file\n")
    expect(solo.out("secrets", "get", "A", "--reveal") == "fake-value", "nothing is lost")


@test
def a_vault_is_rekeyed_and_keeps_everything(stage):
    solo = stage.local()
    solo.run("secrets", "set", "A", stdin=b"kept")
    before, passphrase = tree(solo.home), stage.folder / "passphrase"
    passphrase.write_text("fake correct horse battery\n")
    passphrase.chmod(0o600)
    solo.run("vault", "rekey", "--passphrase-file", str(passphrase))
    expect(not set(before.values()) & set(tree(solo.home).values()) - {b"file"}, "no file is as it was")
    fails(solo, "wrong_vault_key", "secrets", "get", "A", "--reveal")
    del solo.environment["AGENTSECRETS_VAULT_KEY_FILE"]
    solo.environment["AGENTSECRETS_VAULT_PASSPHRASE_FILE"] = str(passphrase)
    expect(solo.out("secrets", "get", "A", "--reveal") == "kept", "the new passphrase opens it")


@test
def no_keychain_is_an_error_that_names_the_way_out(stage):
    solo = stage.member("solo", init=False)
    solo.environment.pop("AGENTSECRETS_VAULT")
    solo.environment.pop("AGENTSECRETS_VAULT_KEY_FILE")
    solo.environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
    error = fails(solo, "no_keychain", "init", timeout=30)
    expect("AGENTSECRETS_VAULT=file" in error["hint"], "the way out is named")
    expect(not list(solo.home.rglob("*")), "nothing is written in the clear, or at all")


@test
def two_processes_share_one_vault(stage):
    relay, owner, _ = stage.team()
    del relay
    running = [owner.start("secrets", "set", f"N{n}", stdin=subprocess.PIPE, stderr=subprocess.PIPE) for n in range(6)]
    for number, process in enumerate(running):
        process.stdin.write(str(number).encode())
        process.stdin.close()
    codes = [process.wait(120) for process in running]
    expect(codes == [0] * 6, f"they wait for each other: {codes}")
    for process in running:
        process.stderr.close()
    for number in range(6):
        expect(owner.out("secrets", "get", f"N{number}", "--reveal") == str(number), "every change is there")


@test
def a_full_disk_leaves_the_vault_as_it_was(stage):
    if os.geteuid() != 0:
        raise Failed("needs root for a small file system: run as root")
    mount = stage.folder / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(mount)], check=True)
    try:
        solo = stage.member("solo", init=False)
        solo.environment["AGENTSECRETS_HOME"] = str(mount / "vault")
        solo.run("init", "--label", "solo")
        solo.run("workspace", "create", "acme")
        solo.run("secrets", "set", "A", stdin=b"kept")
        codes = set()
        for number in range(12):
            done = solo.run("--json", "secrets", "set", f"BIG{number}", stdin=os.urandom(60000), code=None)
            if done.returncode:
                codes.add(json.loads(done.stderr.decode().strip().splitlines()[-1])["error"]["code"])
        expect(codes == {"vault_full"}, f"a full disk is named: {codes}")
        expect(solo.out("secrets", "get", "A", "--reveal") == "kept", "the vault still opens")
    finally:
        subprocess.run(["umount", str(mount)], check=False)


@test
def a_clock_that_is_off_by_a_day_is_corrected_for_requests(stage):
    _, owner, _ = stage.team()
    if not shutil.which("faketime"):
        raise Failed("needs faketime: apt-get install faketime")
    for shift in ("+1 day", "-1 day"):
        done = subprocess.run(["faketime", "-f", shift.replace(" day", "d"), owner.binary, "secrets", "set", "A"],
                              cwd=owner.project, env=owner.environment, input=b"1", capture_output=True, timeout=120)
        expect(done.returncode == 0, f"a clock {shift} off still works: {done.stderr.decode()}")


@test
def no_failure_shows_a_value(stage):
    solo = stage.local()
    sentinel = "fake-sentinel-4711"
    solo.run("secrets", "set", "A", stdin=sentinel.encode())
    seen = b""
    for arguments in (["secrets", "set", sentinel], ["secrets", "get", "A"], ["secrets", "diff"], ["doctor"], ["audit"],
                      ["secrets", "list"], ["secrets", "history", "A"], ["run", "--", sentinel[:4] + "/none"]):
        done = solo.run(*arguments, stdin=sentinel.encode(), code=None)
        seen += done.stdout + done.stderr
    expect(sentinel.encode() not in seen, "no output holds a value")


@test
def completions_are_there(stage):
    solo = stage.member("solo", init=False)
    for shell in ("bash", "zsh", "fish"):
        expect("agentsecrets" in solo.out("completions", shell), shell)


def main(binaries, names):
    passed = failed = 0
    for run in [t for t in TESTS if not names or t.__name__ in names]:
        stage = Stage(binaries)
        start = time.monotonic()
        try:
            run(stage)
            passed += 1
            print(f"ok      {run.__name__} ({time.monotonic() - start:.1f}s)", flush=True)
        except Exception:  # noqa: BLE001 - whatever it is, it is a failure
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print(f"FAILED  {run.__name__}", flush=True)
        finally:
            stage.close()
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
