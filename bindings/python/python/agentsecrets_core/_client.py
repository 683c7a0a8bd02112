"""A device's client: its vault, its identity, its workspace."""
import json

from . import _native
from ._native import Config
from ._load import OfClient, Secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Literal, Mapping, Optional, Union

    from ._native import Secret
    from ._rows import (
        AuditRow, DriftReport, EnvironmentRow, ExposureRow, InvitationRow, MemberRow, Policy, SecretRow, Status, Synced,
        TeamRow, Verified, VersionRow,
    )

    _Text = Union[str, Secret]
    _Role = Literal["owner", "admin", "writer", "reader"]
    _Reason = Literal["departed", "lost-device", "compromised", "retired"]


def init(label: str, config: "Optional[Config]" = None) -> bool:
    """Makes this device's identity in the vault, unless there is one; says whether it did."""
    return _native.init(config or Config.discover(), label)


def verify(log: str, head: str = "") -> "Verified":
    """Folds an exported log entry by entry; needs no secret. With a head, the log must reach exactly that far."""
    return _read(_native.verify(log, head))  # type: ignore[no-any-return]


def _read(rows: str) -> "Any":
    return json.loads(rows)


def _blanks(scope: "Iterable[str]") -> str:
    return scope if isinstance(scope, str) else " ".join(scope)


class Client:
    """A device's client. Any thread may use it. Arguments `env` take a label; empty is the configured environment.

    Scopes are lists of "ENV" or "ENV:NAME,NAME"; an empty one is everything.
    """

    def __init__(self, config: "Optional[Config]" = None) -> None:
        self._config = config or Config.discover()
        self._native = _native.Client(self._config)

    def close(self) -> None:
        """Lets go of vault and keys; later calls raise Closed."""
        self._native.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def recipient(self) -> str:
        """This device's recipient string."""
        return self._native.recipient()

    @property
    def workspace(self) -> "Workspace":
        """The workspace, with its log, its members and what they could read."""
        return Workspace(self._native)

    def create(self, name: str, label: str, relay: str = "") -> "Workspace":
        """Begins a workspace, local without a relay."""
        self._native.create(name, label, relay)
        return self.workspace

    def join(self, code: "_Text", label: str) -> "Workspace":
        """Answers an invitation."""
        self._native.join(code, label)
        return self.workspace

    def sync(self) -> "Synced":
        """Follows the log, pulls everything in scope, admits and shares; says what it did."""
        return _read(self._native.sync())  # type: ignore[no-any-return]

    def pull(self, env: str = "", *, theirs: bool = False) -> None:
        """Brings one environment up to the log, as a whole or not at all."""
        self._native.pull(env, theirs)

    def push(self, env: str = "", *, mine: bool = False) -> int:
        """Pushes what was set and deleted here; how many names."""
        return self._native.push(env, mine)

    def set(self, name: str, value: "Union[str, bytes, bytearray, Secret]", env: str = "") -> None:
        """Sets a value in the vault, to be pushed."""
        self._native.set(env, name, value)

    def delete(self, name: str, env: str = "") -> None:
        """Deletes a value in the vault, to be pushed."""
        self._native.delete(env, name)

    def secret_policy(self, name: str, env: str = "") -> "Optional[Dict[str, Any]]":
        """A secret's policy; None where it has none."""
        policy: "Optional[Dict[str, Any]]" = json.loads(self._native.secret_policy(env, name))
        return policy

    def set_secret_policy(self, name: str, policy: "Optional[Mapping[str, Any]]", env: str = "") -> None:
        """Sets a secret's policy, at once and for everybody; None takes it away. Admins only.

            {"access": "use-only", "rules": [{"host": "api.example", "methods": ["GET"], "paths": ["/v1/**"],
             "places": ["bearer"]}]}
        """
        self._native.set_secret_policy(env, name, json.dumps(policy))

    def secrets(self, env: str = "") -> Secrets:
        """The values of an environment, as the vault holds them."""
        return Secrets._of(self._native.secrets(env), OfClient(self._native, env))

    def list(self, env: str = "") -> "List[SecretRow]":
        """What the vault holds, without values."""
        return _read(self._native.list(env))  # type: ignore[no-any-return]

    def diff(self, env: str = "", other: "Optional[str]" = None) -> "DriftReport":
        """The vault against the log that it knows; or one environment against another."""
        rows = self._native.drift(env) if other is None else self._native.drift_between(env, other)
        return _read(rows)  # type: ignore[no-any-return]

    def history(self, name: str, env: str = "") -> "List[VersionRow]":
        """Versions of a name, without values."""
        return _read(self._native.history(env, name))  # type: ignore[no-any-return]


class Workspace:
    """A team's workspace: who is in it, and its log."""

    def __init__(self, native: "_native.Client") -> None:
        self._native = native

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return self._native.workspace()

    def status(self) -> "Status":
        """Name, relay, environment and head, as they are known here."""
        return _read(self._native.status())  # type: ignore[no-any-return]

    def connect(self, relay: str) -> None:
        """Publishes a local workspace."""
        self._native.connect(relay)

    def invite(self, role: "_Role" = "reader", scope: "Iterable[str]" = (), expires: "Optional[float]" = None) -> "Secret":
        """A code for one newcomer, secret until it is used. `expires` is in seconds since 1970; none is never."""
        return self._native.invite(role, _blanks(scope), expires)

    def invitations(self) -> "List[InvitationRow]":
        """Open invitations."""
        return _read(self._native.invitations())  # type: ignore[no-any-return]

    def uninvite(self, id: str) -> None:
        """Withdraws the open invitation whose id begins so."""
        self._native.uninvite(id)

    def admit(self) -> int:
        """Admits whoever answered an invitation made here; how many."""
        return self._native.admit()

    def admit_recipient(self, recipient: str, label: str, role: "_Role" = "reader", scope: "Iterable[str]" = ()) -> str:
        """Admits a recipient whose string came out of band."""
        return self._native.admit_recipient(recipient, role, _blanks(scope), label)

    def members(self) -> "List[MemberRow]":
        """Members."""
        return _read(self._native.members())  # type: ignore[no-any-return]

    def remove(self, member: str, reason: "_Reason" = "departed", *, device: bool = False, rekey: bool = True) -> None:
        """Ends the memberships of a member's person, or of this one device."""
        self._native.remove(member, reason, device, rekey)

    def leave(self) -> None:
        """Ends this device's own membership."""
        self._native.leave()

    def rekey(self) -> None:
        """Begins the next generation of the workspace key."""
        self._native.rekey()

    def set_role(self, member: str, role: "_Role") -> None:
        """owner, admin, writer or reader."""
        self._native.set_role(member, role)

    def set_scope(self, member: str, scope: "Iterable[str]") -> None:
        """Another scope; an empty one is everything."""
        self._native.set_scope(member, _blanks(scope))

    def safety_number(self, member: str) -> str:
        """The 60 digits that both devices must show."""
        return self._native.safety_number(member)

    def confirm(self, member: str) -> None:
        """Records that the safety number was compared."""
        self._native.confirm(member)

    def team(self) -> "List[TeamRow]":
        """Who is how many entries behind."""
        return _read(self._native.team())  # type: ignore[no-any-return]

    def environments(self) -> "List[EnvironmentRow]":
        """Environments."""
        return _read(self._native.environments())  # type: ignore[no-any-return]

    def create_environment(self, label: str) -> None:
        """A new environment."""
        self._native.create_environment(label)

    def rename_environment(self, label: str, to: str) -> None:
        """Another label."""
        self._native.rename_environment(label, to)

    def archive_environment(self, label: str) -> None:
        """It takes no more pushes."""
        self._native.archive_environment(label)

    def policy(self) -> "Policy":
        """The owner's policy."""
        return _read(self._native.policy())  # type: ignore[no-any-return]

    def set_policy(self, fresh_seconds: int, stale: str) -> None:
        """After how many seconds without news a head is stale: "warns", "blocks-push" or "blocks-both"."""
        self._native.set_policy(fresh_seconds, stale)

    def audit(self) -> "List[AuditRow]":
        """The log as the trail of who could read what, since when."""
        return _read(self._native.audit())  # type: ignore[no-any-return]

    def exposure(self, member: str = "") -> "List[ExposureRow]":
        """Who could read what and needs rotation; of one member, or of all."""
        return _read(self._native.exposure(member))  # type: ignore[no-any-return]

    def head(self) -> str:
        """The newest entry known here, as SEQ:HEX."""
        return self._native.head()

    def head_words(self) -> str:
        """Eight words for it, to compare by voice."""
        return self._native.head_words()

    def follow(self, wait: float = 0.0) -> bool:
        """Follows the log alone, waiting up to `wait` seconds; whether there was news."""
        return self._native.follow(wait)

    def export(self) -> str:
        """The log as a text that verify() reads on any machine; it holds no value."""
        return self._native.export()

    def repush(self) -> int:
        """Brings back to a restored relay what it lost; how many entries."""
        return self._native.repush()

    def adopt(self, head: str) -> None:
        """Leaves this history for the relay's, if that contains a confirmed head."""
        self._native.adopt(head)
