"""For the tests of programs that use agentsecrets: values by hand, a relay in memory, clients on it.

    with override({"DATABASE_URL": "fake"}):
        app = make_app()                  # its load() returns these values

    with MemoryRelay() as relay:
        founder = member(relay, "laptop")
"""
from contextlib import contextmanager
from json import dumps
from typing import TYPE_CHECKING, Any, Generator, Mapping, Optional, Union

from . import _load, _native
from ._client import Client
from ._load import Secrets
from ._native import Config, Identity, Secret

if TYPE_CHECKING:
    from ._client import _Role

__all__ = ["MemoryRelay", "member", "override"]


@contextmanager
def override(values: "Mapping[str, Union[str, bytes, Secret]]", *,
             policies: "Optional[Mapping[str, Mapping[str, Any]]]" = None) -> Generator[Secrets, None, None]:
    """load() returns exactly these values, in every thread, until the block ends; each under its policy, if it has one."""
    if not isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"values are a mapping, not {type(values).__name__}")
    written = {name: dumps(policy) for name, policy in (policies or {}).items()}
    secrets = Secrets._of(_native.Secrets.of_values(list(values.items()), written), None)
    _load._overrides.append(secrets)
    try:
        yield secrets
    finally:
        _load._overrides.remove(secrets)


class MemoryRelay:
    """The reference relay, over memory, on a free port of this machine. It forgets everything at its end."""

    def __init__(self) -> None:
        self._native = _native.MemoryRelay()

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._native.url

    def stop(self) -> None:
        """Ends it."""
        self._native.stop()

    def __enter__(self) -> "MemoryRelay":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def member(relay: "Optional[MemoryRelay]", label: str, *, founder: "Optional[Client]" = None, role: "_Role" = "writer",
           name: str = "test") -> Client:
    """A client over a vault in memory, with a fresh identity: the founder of a workspace, or admitted to that of `founder`."""
    client = Client(Config(vault="memory", identity=Identity.generate("human").string()))
    if founder is None:
        client.create(name, label, relay.url if relay else "")
        return client
    code = founder.workspace.invite(role)
    client.join(code, label)
    founder.workspace.admit()
    client.sync()
    return client
