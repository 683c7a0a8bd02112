"""pytest fixtures; found by their entry point where this package is installed."""
from contextlib import ExitStack
from typing import Any, Callable, Iterator, Mapping

import pytest


@pytest.fixture
def agentsecrets_override() -> "Iterator[Callable[..., Any]]":
    """agentsecrets_override({"NAME": "fake"}): load() returns exactly these values until the test ends; with
    policies={"NAME": {...}} under their policies, for the tests of what uses handles."""
    from .testing import override

    with ExitStack() as stack:

        def use(values: "Mapping[str, Any]", **options: Any) -> Any:
            return stack.enter_context(override(values, **options))

        yield use


@pytest.fixture
def agentsecrets_relay() -> "Iterator[Any]":
    """A relay in memory, for one test."""
    from .testing import MemoryRelay

    with MemoryRelay() as relay:
        yield relay
