"""A relay in memory, and members over it."""
import pytest

from agentsecrets_core.testing import MemoryRelay, member

pytest_plugins = ["pytester"]


@pytest.fixture
def relay():
    with MemoryRelay() as relay:
        yield relay


@pytest.fixture
def laptop(relay):
    """A founder with two values pushed."""
    client = member(relay, "laptop")
    client.set("DATABASE_URL", "fake-value-1")
    client.set("API_TOKEN", b"fake-value-2")
    client.push()
    return client
