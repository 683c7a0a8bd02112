"""Operations with a store and a way to the relay of your own: nothing here opens a file or a socket.

    Operation.sync(identity, workspace).run(vault, transport)
    values = await Operation.load(identity, workspace, "development").arun(vault, transport)

A vault has load(key), store(key, data) and remove(key); a transport has send(request) and returns a Response. For arun,
they are coroutine functions. What they raise is reported: of a transport as "relay_unreachable", of a vault as "vault_io", an
AgentSecretsError as what it says; the operation decides whether to try again. Machine is the same without a driver.
"""
from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Awaitable, Generator, Generic, Iterable, List, NamedTuple, Optional, Protocol, Tuple, TypeVar, Union

from .errors import AgentSecretsError
from ._load import Secrets
from ._native import ERROR_CODES, Identity, Machine, Secret
from ._native import Secrets as _Values

if TYPE_CHECKING:
    from ._native import _Code

__all__ = ["AsyncTransport", "AsyncVault", "Machine", "Operation", "Request", "Response", "Transport", "Vault"]

T = TypeVar("T")


class Request(NamedTuple):
    """What to send, as it is: the headers are signed."""

    method: str
    url: str
    headers: List[Tuple[str, str]]
    body: bytes
    wait: float
    """Seconds for which the relay may hold its answer back, beside the time of a usual request."""


class Response(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    retry_after: Optional[float] = None
    """Seconds, of the Retry-After header."""


class Vault(Protocol):
    """Where things are kept, durably. Bytes are secret."""

    def load(self, key: str, /) -> Optional[bytes]: ...
    def store(self, key: str, data: bytes, /) -> None: ...
    def remove(self, key: str, /) -> None: ...


class Transport(Protocol):
    """The way to the relay."""

    def send(self, request: Request, /) -> Response: ...


class AsyncVault(Protocol):
    """As Vault, for arun."""

    def load(self, key: str, /) -> Awaitable[Optional[bytes]]: ...
    def store(self, key: str, data: bytes, /) -> Awaitable[None]: ...
    def remove(self, key: str, /) -> Awaitable[None]: ...


class AsyncTransport(Protocol):
    """As Transport, for arun."""

    def send(self, request: Request, /) -> Awaitable[Response]: ...


class Operation(Generic[T]):
    """One operation, to be run once. `env` is a label, `workspace` 64 hexadecimal digits."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    @staticmethod
    def create(identity: Identity, name: str, label: str, relay: str = "") -> Operation[str]:
        """Begins a workspace, local without a relay; its id."""
        return Operation(Machine.create(_seed(identity), name, label, relay))

    @staticmethod
    def join(identity: Identity, code: Union[str, Secret], label: str) -> Operation[str]:
        """Answers an invitation; the workspace's id."""
        return Operation(Machine.join(_seed(identity), code, label))

    @staticmethod
    def invite(identity: Identity, workspace: str, role: str = "reader", scope: Iterable[str] = (),
               expires: Optional[float] = None) -> Operation[Secret]:
        """A code for one newcomer; `expires` in seconds since 1970."""
        words = scope if isinstance(scope, str) else " ".join(scope)
        return Operation(Machine.invite(_seed(identity), workspace, role, words, _milliseconds(expires) or 0))

    @staticmethod
    def admit(identity: Identity, workspace: str) -> Operation[str]:
        """Admits whoever answered an invitation made here; how many, in digits."""
        return Operation(Machine.admit(_seed(identity), workspace))

    @staticmethod
    def sync(identity: Identity, workspace: str) -> Operation[None]:
        """Follows, pulls, admits, shares."""
        return Operation(Machine.sync(_seed(identity), workspace))

    @staticmethod
    def set(identity: Identity, workspace: str, env: str, name: str,
            value: Union[str, bytes, bytearray, Secret]) -> Operation[None]:
        """Sets a value in the vault, to be pushed."""
        return Operation(Machine.set(_seed(identity), workspace, env, name, value))

    @staticmethod
    def delete(identity: Identity, workspace: str, env: str, name: str) -> Operation[None]:
        """Deletes a value in the vault, to be pushed."""
        return Operation(Machine.delete(_seed(identity), workspace, env, name))

    @staticmethod
    def push(identity: Identity, workspace: str, env: str) -> Operation[None]:
        """Pushes what was set and deleted here."""
        return Operation(Machine.push(_seed(identity), workspace, env))

    @staticmethod
    def load(identity: Identity, workspace: str, env: str) -> Operation[Secrets]:
        """The values that the vault holds."""
        return Operation(Machine.load(_seed(identity), workspace, env))

    def run(self, vault: Vault, transport: Transport) -> T:
        """Drives it to its end."""
        tasks: _Tasks = _drive(self._machine)
        try:
            task = next(tasks)
            while True:
                try:
                    done = _perform(task, vault, transport, time.sleep)
                except Exception as error:
                    task = tasks.throw(error)
                else:
                    task = tasks.send(done)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            tasks.close()

    async def arun(self, vault: AsyncVault, transport: AsyncTransport) -> T:
        """As run(), on an event loop. Cancelling gives the operation up; what was stored stays whole."""
        from asyncio import sleep

        tasks: _Tasks = _drive(self._machine)
        try:
            task = next(tasks)
            while True:
                try:
                    done = await _perform(task, vault, transport, sleep)
                except Exception as error:
                    task = tasks.throw(error)
                else:
                    task = tasks.send(done)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            tasks.close()


_Tasks = Generator[Tuple[Any, ...], Any, Any]


def _drive(machine: Machine) -> _Tasks:
    """Yields each task and takes what came of it; returns the outcome."""
    cause: Optional[Exception] = None
    try:
        while (task := machine.next(_now()))[0] != "done":
            if task[0] == "sleep":
                yield "sleep", max(0, task[1] - _now()) / 1000
                continue
            try:
                done = yield task
            except Exception as error:
                cause = error
                machine.failed(task[1], ERROR_CODES[_code(task[0], error)])
            else:
                _reply(machine, task, done)
        try:
            outcome = machine.outcome()
        except AgentSecretsError as error:
            raise error from cause
        return Secrets._of(outcome, None) if isinstance(outcome, _Values) else outcome
    finally:
        machine.close()


def _seed(identity: Identity) -> Tuple[Identity, int, bytes]:
    return identity, _now(), os.urandom(32)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _milliseconds(seconds: Optional[float]) -> Optional[int]:
    if seconds is None:
        return None
    if not isinstance(seconds, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"seconds are a number, not {type(seconds).__name__}")
    return max(0, int(seconds * 1000))


def _code(kind: str, error: Exception) -> _Code:
    if isinstance(error, AgentSecretsError):
        return error.code
    if kind == "send" and isinstance(error, TimeoutError):
        return "relay_timeout"
    return "relay_unreachable" if kind == "send" else "vault_io"


def _perform(task: Tuple[Any, ...], vault: Any, transport: Any, sleep: Any) -> Any:
    """What the task's method returns: a result, or what is to be awaited."""
    kind, *rest = task
    if kind == "sleep":
        return sleep(*rest)
    return transport.send(Request(*rest[1:])) if kind == "send" else getattr(vault, kind)(*rest[1:])


def _reply(machine: Machine, task: Tuple[Any, ...], done: Any) -> None:
    if task[0] == "load":
        machine.loaded(task[1], done)
    elif task[0] == "send":
        machine.answered(task[1], done.status, done.body, _milliseconds(done.retry_after))
    else:
        machine.stored(task[1])
