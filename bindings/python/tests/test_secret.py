"""A Secret shows nothing by itself."""
import copy
import json
import pickle
import traceback
from typing import Any, Callable, List

import pytest

from agentsecrets_core import Secret, errors

CANARY = "canary-7f3a"


def refused(run: Callable[[], object]) -> None:
    with pytest.raises((TypeError, errors.AgentSecretsError)) as caught:
        run()
    shown = "".join(traceback.format_exception(caught.type, caught.value, caught.tb))
    assert CANARY not in str(caught.value) and CANARY not in repr(caught.value) and CANARY not in shown


WAYS: List[Callable[[Any], object]] = [
    str, "{}".format, "{0!s}".format, lambda s: f"{s}", lambda s: f"{s:>9}", lambda s: "%s" % s, json.dumps, bytes,
    lambda s: json.dumps({"a": s}), pickle.dumps, copy.copy, copy.deepcopy, hash, lambda s: {s: 1}, lambda s: {s},
    lambda s: s + "", lambda s: "" + s, iter, int, float, lambda s: "".join([s]), lambda s: s[0], vars, lambda s: s < "a",
    lambda s: s in "abc", memoryview, open,
]


@pytest.mark.parametrize("run", WAYS)
def test_what_would_show_or_spread_it_is_refused(run: Callable[[Any], object]) -> None:
    refused(lambda: run(Secret(CANARY)))


def test_repr_and_containers_are_redacted() -> None:
    secret = Secret(CANARY)
    shown = repr(secret) + repr([secret]) + str({"a": secret}) + f"{secret!r}" + "%r" % secret
    assert CANARY not in shown and "redacted" in shown
    assert not [name for name in dir(secret) if CANARY in repr(getattr(secret, name))]


def test_reveal() -> None:
    assert Secret(CANARY).reveal() == CANARY
    assert Secret(b"\xff\x00").reveal_bytes() == b"\xff\x00"
    assert Secret(bytearray(b"a")).reveal_bytes() == b"a"
    assert Secret("ünïcödé").reveal() == "ünïcödé"
    with pytest.raises(errors.InvalidArgument):
        Secret(b"\xff" + CANARY.encode()).reveal()
    assert len(Secret("abc")) == 3 and Secret("a") and not Secret("")


def test_equality() -> None:
    assert Secret(CANARY) == Secret(CANARY) == CANARY == Secret(CANARY)
    assert Secret(CANARY) == CANARY.encode() and Secret("a") != "b" and Secret("a") != 5 and Secret("a") != None  # noqa: E711


def test_wiped_by_the_context_manager() -> None:
    with Secret(CANARY) as secret:
        assert secret.reveal() == CANARY
    calls: List[Callable[[], object]] = [secret.reveal, secret.reveal_bytes, lambda: len(secret), lambda: bool(secret), lambda: secret == "a"]
    for run in calls:
        with pytest.raises(errors.Closed):
            run()
    assert "redacted" in repr(secret)


def test_cannot_be_subclassed_or_given_attributes() -> None:
    with pytest.raises(TypeError):
        type("Loud", (Secret,), {})
    with pytest.raises(AttributeError):
        Secret("a").value = "b"  # type: ignore[attr-defined]

