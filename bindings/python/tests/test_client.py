"""What a team does, each operation once, with what it comes to."""
import json
import time
from typing import Any, Dict, List, Sequence

import pytest

from agentsecrets_core import Client, Identity, _rows, errors, verify
from agentsecrets_core.testing import MemoryRelay, member


@pytest.fixture
def phone(relay: MemoryRelay, laptop: Client) -> Client:
    return member(relay, "phone", founder=laptop, role="reader")


def test_values(laptop: Client, phone: Client) -> None:
    assert phone.secrets()["API_TOKEN"] == "fake-value-2" and phone.secrets().version > 0
    laptop.set("API_TOKEN", "fake-value-3")
    laptop.delete("DATABASE_URL")
    assert [change["name"] for change in laptop.diff()["changes"]] == ["API_TOKEN", "DATABASE_URL"]
    assert laptop.push() == 2 and laptop.diff()["in_sync"] and laptop.push() == 0
    phone.pull()
    assert dict(phone.secrets()) == {"API_TOKEN": "fake-value-3"}
    assert [row["version"] for row in phone.history("API_TOKEN")] == [1, 2]
    laptop.set("ONLY_HERE", "fake-value-4", env="staging")
    laptop.push("staging")
    assert {"name": "ONLY_HERE", "state": "missing_in_a"} in laptop.diff("development", "staging")["changes"]


def test_a_conflict_is_one_and_can_be_decided(relay: MemoryRelay, laptop: Client) -> None:
    other = member(relay, "other", founder=laptop, role="writer")
    laptop.set("API_TOKEN", "fake-value-3")
    laptop.push()
    other.set("API_TOKEN", "fake-value-4")
    with pytest.raises(errors.Conflict):
        other.push()
    assert other.push(mine=True) == 1
    laptop.pull()
    assert laptop.secrets()["API_TOKEN"] == "fake-value-4"
    laptop.set("API_TOKEN", "fake-value-5")
    other.set("API_TOKEN", "fake-value-6")
    other.push()
    laptop.pull(theirs=True)
    assert laptop.secrets()["API_TOKEN"] == "fake-value-6"


def test_invitations(relay: MemoryRelay, laptop: Client) -> None:
    workspace = laptop.workspace
    code = workspace.invite("reader", ["development:API_TOKEN"], expires=time.time() + 60)
    (row,) = workspace.invitations()
    assert row["role"] == "reader" and "API_TOKEN" in json.dumps(row["scope"]) and code.reveal() not in json.dumps(row)
    workspace.uninvite(row["id"][:12])
    assert workspace.invitations() == [] and workspace.admit() == 0
    guest = member(relay, "guest", founder=laptop)
    with pytest.raises(errors.AgentSecretsError):
        guest.join("not an invitation", "again")
    with pytest.raises(errors.InvitationError):
        member(None, "stranger").join(code.reveal()[:-9], "stranger")


def test_members(relay: MemoryRelay, laptop: Client, phone: Client) -> None:
    workspace = laptop.workspace
    assert {row["label"] for row in workspace.members()} == {"laptop", "phone"}
    assert workspace.safety_number("phone") == phone.workspace.safety_number("laptop")
    workspace.confirm("phone")
    workspace.set_role("phone", "writer")
    workspace.set_scope("phone", ["development:API_TOKEN"])
    (row,) = [row for row in workspace.members() if row["label"] == "phone"]
    assert row["role"] == "writer" and row["scope"] != ["all"]
    phone.sync()
    with pytest.raises(errors.AgentSecretsError):
        phone.set("OTHER", "fake-value-7")
        phone.push()
    with pytest.raises(errors.Forbidden):
        phone.workspace.invite()
    agent = Identity.generate("agent")
    workspace.admit_recipient(agent.recipient, "agent", "reader", ["development"])
    assert sorted(row["kind"] for row in workspace.members()) == ["agent", "human", "human"]
    workspace.rekey()
    phone.workspace.leave()
    workspace.follow()
    workspace.remove("agent", "retired")
    assert [row["label"] for row in workspace.members() if row["active"]] == ["laptop"]
    with pytest.raises(errors.UnknownMember):
        workspace.remove("nobody")
    assert {row["name"] for row in workspace.exposure() if row["needs_rotation"]} == {"API_TOKEN", "DATABASE_URL"}
    assert workspace.exposure("phone")


def test_environments_and_policy(laptop: Client) -> None:
    workspace = laptop.workspace
    workspace.create_environment("preview")
    workspace.rename_environment("preview", "review")
    workspace.archive_environment("review")
    rows = {row["name"]: row["archived"] for row in workspace.environments()}
    assert rows == {"development": False, "production": False, "staging": False, "review": True}
    with pytest.raises(errors.UnknownEnvironment):
        laptop.secrets("preview")
    workspace.set_policy(3600, "blocks-push")
    assert workspace.policy() == {"fresh_seconds": 3600, "stale": "blocks-push"}
    with pytest.raises(errors.InvalidArgument):
        workspace.set_policy(3600, "sleeps")


def test_the_log(laptop: Client, phone: Client) -> None:
    workspace = laptop.workspace
    assert workspace.head().startswith(str(laptop.secrets().version)) or ":" in workspace.head()
    assert len(workspace.head_words().split()) == 8
    assert not phone.workspace.follow(0.1)
    laptop.set("API_TOKEN", "fake-value-3")
    laptop.push()
    assert phone.workspace.follow(2)
    kinds = {row["kind"] for row in workspace.audit()}
    assert {"genesis", "update"} & kinds and len(kinds) > 2
    exported = workspace.export()
    assert "fake-value" not in exported
    proved = verify(exported, workspace.head())
    assert proved["workspace"] == workspace.id == phone.workspace.id and proved["head"] == workspace.head()
    with pytest.raises(errors.AgentSecretsError):
        verify(exported[: len(exported) // 2])
    assert workspace.repush() == 0
    with pytest.raises(errors.AgentSecretsError):
        workspace.adopt("1:" + "ab" * 32)


def test_a_local_workspace_is_connected_later(relay: MemoryRelay) -> None:
    client = member(None, "laptop")
    client.set("A", "fake-value-1")
    client.push()
    assert client.workspace.status()["relay"] is None
    client.workspace.connect(relay.url)
    assert client.workspace.status()["relay"] == relay.url
    assert member(relay, "phone", founder=client, role="reader").secrets()["A"] == "fake-value-1"


def test_listings_hold_what_their_types_say(laptop: Client, phone: Client) -> None:
    workspace = laptop.workspace
    for client in (laptop, phone, laptop):
        client.sync()
    workspace.invite()
    workspace.remove("phone")
    rows: Dict[str, Sequence[Any]] = {
        "Status": [workspace.status()], "MemberRow": workspace.members(), "InvitationRow": workspace.invitations(),
        "EnvironmentRow": workspace.environments(), "SecretRow": laptop.list(), "VersionRow": laptop.history("API_TOKEN"),
        "AuditRow": workspace.audit(), "ExposureRow": workspace.exposure(), "TeamRow": workspace.team(),
        "Policy": [workspace.policy()], "DriftReport": [laptop.diff()], "Synced": [laptop.sync()],
        "Verified": [verify(workspace.export())],
    }
    for name, listing in rows.items():
        known = set(getattr(_rows, name).__annotations__)
        assert listing, name
        for row in listing:
            assert set(row) == known, name
    assert "fake-value" not in json.dumps(rows)


def test_closed() -> None:
    with member(None, "laptop") as client:
        workspace = client.workspace
    calls: List[Any] = [
        lambda: client.recipient, client.sync, client.push, client.pull, client.list, client.diff, client.secrets,
        lambda: client.set("A", "b"), lambda: client.delete("A"), lambda: client.history("A"), lambda: workspace.id,
        workspace.status, workspace.members, workspace.audit, workspace.exposure, workspace.export, workspace.head,
        workspace.rekey, workspace.leave, workspace.team, workspace.policy, workspace.repush, workspace.admit,
        workspace.invite, workspace.invitations, workspace.environments, workspace.follow, workspace.head_words,
    ]
    for call in calls:
        with pytest.raises(errors.Closed):
            call()
    client.close()
