"""A push elsewhere arrives within two seconds, in a loop and in an event loop; closing ends the wait at once."""
import asyncio
import gc
import os
import threading
import time
from pathlib import Path
from typing import List

import pytest

from agentsecrets_core import Change, Client, Secrets, errors, load
from agentsecrets_core.testing import MemoryRelay, member, override


def later(client: Client, seconds: float, **values: str) -> threading.Thread:
    """Pushes after a while, as somebody else does."""

    def push() -> None:
        time.sleep(seconds)
        for name, value in values.items():
            client.set(name, value)
        client.push()

    thread = threading.Thread(target=push)
    thread.start()
    return thread


def test_a_push_arrives_within_two_seconds(relay: MemoryRelay, laptop: Client) -> None:
    secrets = member(relay, "server", founder=laptop, role="reader").secrets()
    pushed = later(laptop, 0.5, API_TOKEN="fake-value-3")
    start = time.monotonic()
    with secrets.watch() as watch:
        change = next(watch)
    took = time.monotonic() - start
    pushed.join()
    assert change.updated == {"API_TOKEN"} and not change.deleted and secrets["API_TOKEN"] == "fake-value-3"
    assert took < 2.5, took


def test_what_changed_before_the_watch_is_not_lost(home: Path) -> None:
    secrets = load()
    with Client() as other:
        other.set("API_TOKEN", "fake-value-3")
        other.delete("DATABASE_URL")
        other.push()
    with secrets.watch() as watch:
        change = next(watch)
    assert change.updated == {"API_TOKEN"} and change.deleted == {"DATABASE_URL"}
    assert "fake" not in repr(change) and change.version == secrets.version


def test_in_an_event_loop(relay: MemoryRelay, laptop: Client) -> None:
    servers = [member(relay, f"server-{n}", founder=laptop, role="reader") for n in range(3)]

    async def follow(secrets: Secrets) -> Change:
        async with secrets.watch() as watch:
            async for change in watch:
                return change
        raise AssertionError("ended without a change")

    async def main() -> List[Change]:
        waits = [asyncio.ensure_future(follow(server.secrets())) for server in servers]
        await asyncio.sleep(0.5)
        start = time.monotonic()
        await asyncio.to_thread(later(laptop, 0, API_TOKEN="fake-value-3").join)
        changes = await asyncio.gather(*waits)
        assert time.monotonic() - start < 10
        return changes

    for change in asyncio.run(main()):
        assert change.updated == {"API_TOKEN"}


def test_cancelling_leaves_nothing_waiting(relay: MemoryRelay, laptop: Client) -> None:
    async def main() -> float:
        secrets = laptop.secrets()

        async def follow() -> None:
            async for _ in secrets.watch():
                pass

        task = asyncio.ensure_future(follow())
        await asyncio.sleep(0.3)
        start = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - start

    assert asyncio.run(main()) < 5


def test_closing_ends_a_wait_at_once(laptop: Client) -> None:
    watch = laptop.secrets().watch()
    ended: List[float] = []
    thread = threading.Thread(target=lambda: ended.append(len(list(watch))))
    thread.start()
    time.sleep(0.3)
    start = time.monotonic()
    watch.close()
    thread.join(5)
    assert ended == [0] and time.monotonic() - start < 5
    assert list(watch) == []


def test_a_watch_that_nobody_has_ends(laptop: Client) -> None:
    watch = laptop.secrets().watch()
    thread = threading.Thread(target=lambda: next(watch, None), daemon=True)
    thread.start()
    time.sleep(0.2)
    line = watch._line
    watch.close()
    thread.join(5)
    del watch
    gc.collect()
    assert line.closed


def test_a_relay_that_goes_away_is_no_end(laptop: Client, relay: MemoryRelay) -> None:
    watch = laptop.secrets().watch()
    ended: List[BaseException] = []

    def follow() -> None:
        try:
            list(watch)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    time.sleep(0.3)
    relay.stop()
    time.sleep(1.5)
    assert not ended and thread.is_alive()
    watch.close()
    thread.join(5)
    assert not ended and not thread.is_alive()


def test_values_by_hand_do_not_change() -> None:
    with override({"A": "fake-value"}):
        secrets = load()
        with pytest.raises(errors.AgentSecretsError) as caught:
            next(secrets.watch())
    assert caught.value.code == "unsupported" and not secrets.refresh()


def test_errors_come_out_of_the_iterator(laptop: Client) -> None:
    secrets = laptop.secrets()
    laptop.close()
    with pytest.raises(errors.Closed):
        next(secrets.watch())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_watch_of_the_parent_is_refused_in_a_child(laptop: Client) -> None:
    watch = laptop.secrets().watch()
    child = os.fork()
    if child == 0:
        try:
            next(watch)
        except errors.VaultForked:
            os._exit(7)
        except BaseException:
            os._exit(9)
        os._exit(0)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 7
    watch.close()
