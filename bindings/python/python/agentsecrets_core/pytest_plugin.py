"""pytest fixtures; found by their entry point where this package is installed."""
from contextlib import ExitStack
from typing import Any, Callable, Iterator, Mapping

import pytest


@pytest.fixture
def agentsecrets_override() -> "Iterator[Callable[[Mapping[str, Any]], Any]]":
    """agentsecrets_override({"NAME": "fake"}): load() returns exactly these values until the test ends."""
    from .testing import override

    with ExitStack() as stack:
        yield lambda values: stack.enter_context(override(values))


@pytest.fixture
def agentsecrets_relay() -> "Iterator[Any]":
    """A relay in memory, for one test."""
    from .testing import MemoryRelay

    with MemoryRelay() as relay:
        yield relay
