"""Own transport and own vault through the step machine: with a loop, with asyncio, cancelled, and failing."""
import asyncio
import copy
import pickle
import urllib.error
import urllib.request
from typing import Dict, List, Optional, Tuple

import pytest

from agentsecrets_core import AgentSecretsError, Identity, errors
from agentsecrets_core.io import Machine, Operation, Request, Response
from agentsecrets_core.testing import MemoryRelay


class Store(Dict[str, bytes]):
    """A vault that is a dictionary."""

    def load(self, key: str) -> Optional[bytes]:
        return self.get(key)

    def store(self, key: str, data: bytes) -> None:
        self[key] = data

    def remove(self, key: str) -> None:
        self.pop(key, None)


class Urllib:
    """The way to the relay through the standard library."""

    def __init__(self) -> None:
        self.sent: List[str] = []

    def send(self, request: Request) -> Response:
        self.sent.append(request.method)
        made = urllib.request.Request(request.url, request.body or None, dict(request.headers), method=request.method)
        try:
            with urllib.request.urlopen(made, timeout=10 + request.wait) as answer:
                return Response(answer.status, answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                return Response(answer.code, answer.read())


class AsyncStore:
    def __init__(self) -> None:
        self.held = Store()

    async def load(self, key: str) -> Optional[bytes]:
        return self.held.load(key)

    async def store(self, key: str, data: bytes) -> None:
        await asyncio.sleep(0)
        self.held.store(key, data)

    async def remove(self, key: str) -> None:
        self.held.remove(key)


class AsyncUrllib:
    def __init__(self) -> None:
        self.inner = Urllib()

    async def send(self, request: Request) -> Response:
        return await asyncio.to_thread(self.inner.send, request)


def test_a_team_through_an_own_store_and_transport(relay: MemoryRelay) -> None:
    founder, newcomer, net = Identity.generate("human"), Identity.generate("ci"), Urllib()
    here, there = Store(), Store()
    workspace = Operation.create(founder, "acme", "laptop", relay.url).run(here, net)
    Operation.set(founder, workspace, "development", "API_TOKEN", "fake-value-1").run(here, net)
    Operation.set(founder, workspace, "development", "OLD", b"fake-value-2").run(here, net)
    Operation.push(founder, workspace, "development").run(here, net)
    code = Operation.invite(founder, workspace, "reader", ["development"], expires=4e9).run(here, net)
    assert Operation.join(newcomer, code, "job").run(there, net) == workspace
    assert Operation.admit(founder, workspace).run(here, net) == "1"
    Operation.sync(newcomer, workspace).run(there, net)
    values = Operation.load(newcomer, workspace, "development").run(there, net)
    assert {name: value.reveal() for name, value in values.items()} == {"API_TOKEN": "fake-value-1", "OLD": "fake-value-2"}
    Operation.delete(founder, workspace, "development", "OLD").run(here, net)
    Operation.push(founder, workspace, "development").run(here, net)
    Operation.sync(newcomer, workspace).run(there, net)
    assert list(Operation.load(newcomer, workspace, "development").run(there, net)) == ["API_TOKEN"]


def test_the_same_on_an_event_loop(relay: MemoryRelay) -> None:
    async def main() -> str:
        me, vault, net = Identity.generate("human"), AsyncStore(), AsyncUrllib()
        workspace = await Operation.create(me, "acme", "laptop", relay.url).arun(vault, net)
        await Operation.set(me, workspace, "development", "API_TOKEN", "fake-value-1").arun(vault, net)
        await Operation.push(me, workspace, "development").arun(vault, net)
        values = await Operation.load(me, workspace, "development").arun(vault, net)
        return values["API_TOKEN"].reveal()

    assert asyncio.run(main()) == "fake-value-1"


def test_cancelling_gives_the_operation_up() -> None:
    class Silent:
        async def send(self, request: Request) -> Response:
            await asyncio.sleep(60)
            raise AssertionError

    async def main() -> None:
        operation = Operation.create(Identity.generate("human"), "acme", "laptop", "http://relay.example")
        task = asyncio.ensure_future(operation.arun(AsyncStore(), Silent()))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(errors.Closed):
            await operation.arun(AsyncStore(), Silent())

    asyncio.run(main())


def test_a_transport_that_fails_is_tried_again_and_named_as_the_cause() -> None:
    class Broken:
        tries = 0

        def send(self, request: Request) -> Response:
            self.tries += 1
            raise ConnectionError("no route")

    net = Broken()
    with pytest.raises(errors.RelayUnreachable) as caught:
        Operation.create(Identity.generate("human"), "acme", "laptop", "http://relay.example").run(Store(), net)
    assert net.tries == 4 and isinstance(caught.value.__cause__, ConnectionError)


def test_a_vault_that_fails_says_what_it_says() -> None:
    class Full(Store):
        def store(self, key: str, data: bytes) -> None:
            raise errors.VaultError("the table is full", code="vault_full")

    class Broken(Store):
        def store(self, key: str, data: bytes) -> None:
            raise OSError("gone")

    cases: List[Tuple[Store, str]] = [(Full(), "vault_full"), (Broken(), "vault_io")]
    for vault, code in cases:
        with pytest.raises(errors.VaultError) as caught:
            Operation.create(Identity.generate("human"), "acme", "laptop").run(vault, Urllib())
        assert caught.value.code == code and caught.value.__cause__


def test_a_wait_that_the_relay_asks_for_is_handed_on() -> None:
    class Busy:
        def send(self, request: Request) -> Response:
            return Response(429, b'{"code":"rate_limited"}', retry_after=60.0)

    with pytest.raises(errors.RelayError) as caught:
        Operation.create(Identity.generate("human"), "acme", "laptop", "http://relay.example").run(Store(), Busy())
    assert caught.value.code == "rate_limited" and caught.value.retryable and caught.value.retry_after == 60.0


def test_answers_of_wrong_types_are_type_errors() -> None:
    class Wrong(Store):
        def load(self, key: str) -> Optional[bytes]:
            return "text"  # type: ignore[return-value]

    with pytest.raises(TypeError):
        Operation.create(Identity.generate("human"), "acme", "laptop").run(Wrong(), Urllib())


def test_an_operation_runs_once() -> None:
    operation = Operation.create(Identity.generate("human"), "acme", "laptop")
    operation.run(Store(), Urllib())
    with pytest.raises(errors.Closed):
        operation.run(Store(), Urllib())


def test_replies_out_of_order_are_refused() -> None:
    machine = Machine.create((Identity.generate("human"), 1_767_225_600_000, bytes(32)), "acme", "laptop", "")
    task = machine.next(1_767_225_600_000)
    assert task[0] == "store" and machine.next(1_767_225_600_000) == ("wait",)
    for step in (0, task[1] + 1, 2**63):
        with pytest.raises(errors.InvalidArgument):
            machine.stored(step)
    with pytest.raises(errors.AgentSecretsError) as caught:
        machine.outcome()
    assert caught.value.code == "busy"
    machine.close()
    with pytest.raises(errors.Closed):
        machine.stored(task[1])


def test_keys_show_no_name_and_no_value() -> None:
    me, net, store = Identity.generate("human"), Urllib(), Store()
    workspace = Operation.create(me, "acme", "laptop").run(store, net)
    Operation.set(me, workspace, "development", "CANARY_NAME", "canary-7f3a").run(store, net)
    assert not any("CANARY" in key or "canary" in key for key in store)
    assert any(b"canary-7f3a" in data for data in store.values()), "a vault seals; its bytes are secret"


def test_errors_travel_between_processes() -> None:
    error = errors.make("rate_limited", "too many", retry_after=2.5)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is errors.RelayError and str(again) == str(error) and again.retry_after == 2.5 and again.retryable
    assert copy.copy(error).code == "rate_limited"


def test_errors_of_hosts_have_their_code() -> None:
    error = errors.RelayUnreachable("no route")
    assert error.code == "relay_unreachable" and error.retryable and error.hint and error.number == 501
    with pytest.raises(AgentSecretsError):
        raise error
