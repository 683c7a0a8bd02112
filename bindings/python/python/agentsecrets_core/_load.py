"""The values of an environment: at start, later, and whenever they change."""
import os
from _collections_abc import Mapping
from time import time

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta
    from typing import FrozenSet, Iterable, Iterator, List, NoReturn, Optional, Union

    from ._agents import Handle
    from ._native import Config, Secret
    from ._watch import Watch
    from .errors import AgentSecretsError

    _Age = Union[float, str, timedelta]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

# What tests put in the place of everything else; see agentsecrets_core.testing.
_overrides: "List[Secrets]" = []


def _error(code: "_native._Code", message: str, hint: "Optional[str]" = None) -> "AgentSecretsError":
    from .errors import make

    return make(code, message, hint)


def seconds(age: "Optional[_Age]") -> "Optional[float]":
    """Seconds of a number, of a timedelta, or of a text such as "90s", "15m", "24h", "7d"."""
    if age is None or isinstance(age, (int, float)):
        return age
    if isinstance(age, str):
        if age[:-1].isdecimal() and age[-1] in _UNITS:
            return float(int(age[:-1]) * _UNITS[age[-1]])
        raise _error("invalid_argument", 'an age is a number and a unit: "90s", "15m", "24h", "7d"')
    total = getattr(age, "total_seconds", None)
    if total is None:
        raise TypeError(f"an age is seconds, a text or a timedelta, not {type(age).__name__}")
    return float(total())


def load(*, require: "Iterable[str]" = (), env: "Optional[str]" = None, max_age: "Optional[_Age]" = None,
         offline: bool = False, config: "Optional[Config]" = None) -> "Secrets":
    """The values of the configured environment, from the vault; no network where it is warm.

    require: names that must be there; MissingSecrets names all that are not
    env: another environment than the configured one
    max_age: seconds, timedelta or a text such as "24h"; syncs first where the last sync is longer ago
    offline: never touches the network, whatever the age
    config: as Config; else AGENTSECRETS_* and the project file from the working folder upward
    """
    if isinstance(require, str):
        raise TypeError("require is a list of names, not one str")
    names = list(require)
    if _overrides:
        return _overrides[-1]._with(names)
    how = _How(env or "", names, seconds(max_age), offline, config)
    return Secrets._of(how.load(), how)


async def aload(*, require: "Iterable[str]" = (), env: "Optional[str]" = None, max_age: "Optional[_Age]" = None,
                offline: bool = False, config: "Optional[Config]" = None) -> "Secrets":
    """As load(), in a thread of the event loop's pool."""
    from asyncio import to_thread

    return await to_thread(load, require=require, env=env, max_age=max_age, offline=offline, config=config)


class _How:
    """How values were loaded, to load them again."""

    __slots__ = ("config", "env", "max_age", "offline", "require")

    def __init__(self, env: str, require: "List[str]", max_age: "Optional[float]", offline: bool,
                 config: "Optional[Config]") -> None:
        self.env, self.require, self.max_age, self.offline, self.config = env, require, max_age, offline, config

    def load(self) -> "_native.Secrets":
        return _native.load(self.config, self.env, self.require, self.max_age, self.offline)

    def refresh(self) -> "_native.Secrets":
        return _native.load(self.config, self.env, self.require, 0.0, False)

    def client(self) -> "_native.Client":
        return _native.Client(self.config or _native.Config.discover())


class OfClient:
    """How values came from a client that is open."""

    __slots__ = ("env", "opened")

    def __init__(self, opened: "_native.Client", env: str) -> None:
        self.opened, self.env = opened, env

    def refresh(self) -> "_native.Secrets":
        self.opened.pull(self.env, False)
        return self.opened.secrets(self.env)

    def client(self) -> "_native.Client":
        return self.opened


class _Ended:
    """In the place of values that were let go."""

    def __getattr__(self, name: str) -> "NoReturn":
        raise _error("closed", "the secrets were closed")

    def __getitem__(self, name: object) -> "NoReturn":
        raise _error("closed", "the secrets were closed")

    def __len__(self) -> "NoReturn":
        raise _error("closed", "the secrets were closed")

    def __contains__(self, name: object) -> "NoReturn":
        raise _error("closed", "the secrets were closed")


class Change:
    """What a refresh or a watch found: names alone."""

    __slots__ = ("deleted", "updated", "version")

    def __init__(self, updated: "FrozenSet[str]", deleted: "FrozenSet[str]", version: int) -> None:
        self.updated, self.deleted, self.version = updated, deleted, version

    def __bool__(self) -> bool:
        return bool(self.updated or self.deleted)

    def __repr__(self) -> str:
        return f"Change(updated={sorted(self.updated)}, deleted={sorted(self.deleted)}, version={self.version})"


if TYPE_CHECKING:
    _Base = Mapping[str, Secret]
else:
    _Base = Mapping


class Secrets(_Base):
    """The values of one environment by name. A read-only mapping; refresh() and watch() bring newer values into it."""

    __slots__ = ("_held", "_how")
    _held: "_native.Secrets"
    _how: "Optional[Union[_How, OfClient]]"

    @classmethod
    def _of(cls, held: "_native.Secrets", how: "Optional[Union[_How, OfClient]]") -> "Secrets":
        self = cls.__new__(cls)
        self._held, self._how = held, how
        return self

    def __init__(self) -> None:
        raise TypeError("Secrets come from load()")

    def __getitem__(self, name: str) -> "Secret":
        return self._held[name]

    def __contains__(self, name: object) -> bool:
        return name in self._held

    def __iter__(self) -> "Iterator[str]":
        return iter(self._held.names())

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        if isinstance(self._held, _Ended):  # pyright: ignore[reportUnnecessaryIsInstance]
            return "<Secrets: closed>"
        return f"<Secrets of {self.environment}: {len(self)} values, redacted>"

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> str:
        raise TypeError("Secrets cannot be pickled or copied")

    def __copy__(self) -> "Secrets":
        raise TypeError("Secrets cannot be copied")

    @property
    def environment(self) -> str:
        """Label of the environment."""
        return self._held.environment

    @property
    def version(self) -> int:
        """Number of the log entry up to which the environment was pulled."""
        return self._held.version

    @property
    def age(self) -> float:
        """Seconds since the environment was pulled last; 0 of values that a test gave."""
        at = self._held.synced_at
        return max(0.0, time() - at) if at else 0.0

    def _with(self, names: "List[str]") -> "Secrets":
        missing = [name for name in names if name not in self]
        if missing:
            where = f"missing in {self.environment}: {', '.join(missing)}; looked in the values of this test"
            raise _error("missing_secrets", where, "")
        return self

    def _replace(self, held: "_native.Secrets") -> Change:
        updated, deleted = held.differing(self._held)
        self._held = held
        return Change(frozenset(updated), frozenset(deleted), held.version)

    def refresh(self) -> Change:
        """Syncs, and takes the newer values; says what changed."""
        if self._how is None:
            return Change(frozenset(), frozenset(), self.version)
        return self._replace(self._how.refresh())

    async def arefresh(self) -> Change:
        """As refresh(), in a thread of the event loop's pool."""
        from asyncio import to_thread

        return await to_thread(self.refresh)

    def watch(self) -> "Watch":
        """Waits for changes: `for change in secrets.watch()`, or `async for`. The mapping has the new values then."""
        from ._watch import Watch

        return Watch(self)

    def apply_env(self, only: "Optional[Iterable[str]]" = None, *, override: bool = False) -> "List[str]":
        """Puts values into os.environ, for libraries that read nothing else; the names set. Child processes inherit them."""
        if isinstance(only, str):
            raise TypeError("only is a list of names, not one str")
        wanted = list(self if only is None else only)
        values = [(name, self[name]) for name in wanted]
        applied = {name: value.reveal() for name, value in values if override or name not in os.environ}
        if any("\0" in value for value in applied.values()):
            raise _error("not_an_environment_value", "a value holds a zero byte")
        os.environ.update(applied)
        return list(applied)

    def handle(self, name: str) -> "Handle":
        """A secret to be used and not read, where its policy says so."""
        from ._agents import Handle

        return Handle._of(self._held.handle(name))

    def close(self) -> None:
        """Lets go of all values, which are wiped when nobody holds them: later calls raise Closed."""
        self._held = _Ended()  # type: ignore[assignment]

    def __enter__(self) -> "Secrets":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> "Secrets":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

