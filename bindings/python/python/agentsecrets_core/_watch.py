"""Changes of an environment as they arrive, for a loop or for an event loop."""
from __future__ import annotations

import os
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, AsyncIterator, Callable, Iterator, Optional, Union

from .errors import VaultForked, make

if TYPE_CHECKING:
    from . import _native
    from ._load import Change, Secrets

# How long one long poll lasts; a watch that is closed ends at once, its thread after this.
_WAIT = 20.0


class _Line:
    """From the thread that waits for news to whoever takes them: values, the error that ended it, or None at the end."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Union[_native.Secrets, Exception, None]] = SimpleQueue()
        self.closed = False
        self.wake: Optional[Callable[[], object]] = None

    def put(self, item: Union[_native.Secrets, Exception, None]) -> None:
        self.queue.put(item)
        if self.wake is not None:
            try:
                self.wake()
            except RuntimeError:  # the event loop has ended
                self.closed = True

    def close(self) -> None:
        self.closed = True
        self.put(None)

    def follow(self, watch: _native.Watch, client: _native.Client, env: str) -> None:
        """Waits, in a thread of its own, until it is closed."""
        try:
            while not self.closed:
                if watch.next(_WAIT) is not None:
                    self.put(client.secrets(env))
        except Exception as error:
            self.put(error)


class Watch:
    """Changes of an environment, as they arrive: an iterator, and an asynchronous one. Ends when it is closed.

    The mapping that it comes from has the new values when a change is handed out. A relay that is away is asked again.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets, self._line, self._opened, self._process = secrets, _Line(), False, os.getpid()

    def _open(self) -> Optional[Change]:
        """Begins to wait. The watch opens before the values are read again, so that no change falls between."""
        self._opened = True
        how = self._secrets._how
        if how is None:
            raise make("unsupported", "values given by hand do not change")
        client = how.client()
        watch, env = client.watch(how.env), how.env
        # Held by the thread is the line alone: a watch that nobody has any more ends.
        threading.Thread(target=self._line.follow, args=(watch, client, env), name="agentsecrets watch", daemon=True).start()
        return self._secrets._replace(client.secrets(env)) or None

    def _taken(self, item: Union[_native.Secrets, Exception, None]) -> Optional[Change]:
        """What an item of the line means; None where nothing has changed."""
        if item is None or isinstance(item, Exception):
            self._line.close()
        if item is None:
            return None
        if isinstance(item, Exception):
            raise item
        return self._secrets._replace(item) or None

    def _check(self) -> None:
        if self._process != os.getpid():
            raise VaultForked("the watch was opened before fork(), in the parent process")

    def __iter__(self) -> Iterator[Change]:
        return self

    def __next__(self) -> Change:
        self._check()
        if not self._opened and (change := self._open()):
            return change
        while not self._line.closed:
            if change := self._taken(self._line.queue.get()):
                return change
        raise StopIteration

    def __aiter__(self) -> AsyncIterator[Change]:
        return self

    async def __anext__(self) -> Change:
        import asyncio

        self._check()
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        self._line.wake = lambda: loop.call_soon_threadsafe(news.set)
        if not self._opened and (change := await asyncio.to_thread(self._open)):
            return change
        while not self._line.closed:
            news.clear()
            try:
                item = self._line.queue.get_nowait()
            except Empty:
                await news.wait()
                continue
            if change := self._taken(item):
                return change
        raise StopAsyncIteration

    def close(self) -> None:
        """Ends it: who waits for the next change is told at once."""
        self._line.close()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self._line.closed = True
