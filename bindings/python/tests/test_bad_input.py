"""Whatever is wrong with an argument of a public call: the right exception, no crash, no value in its text."""
import traceback
from typing import Any, Callable, Dict, List, Tuple

import pytest

import agentsecrets_core
from agentsecrets_core import (
    AgentSecretsError, Client, Config, Identity, Redactor, Secret, Secrets, errors, generate_keys, init, load, public_key, seal, seal_many,
    spawn, unseal, unseal_many, verify,
)
from agentsecrets_core.io import Machine, Operation, Request, Response
from agentsecrets_core.testing import member, override

CANARY = "canary-7f3a-not-to-be-shown"
# Every kind of wrong thing in the place of a text, a value, a number, a list.
WRONG: List[Any] = [
    None, 5, -1, 1.5, float("nan"), float("inf"), True, object(), [CANARY], (CANARY,), {CANARY: CANARY}, {CANARY}, b"\xff" + CANARY.encode(),
    bytearray(CANARY.encode()), memoryview(CANARY.encode()), "\ud800" + CANARY, CANARY, CANARY * 10_000, "\0" + CANARY, "", b"",
    Secret(CANARY), Exception(CANARY), 2**70, range(3), iter([CANARY]), lambda: CANARY, type,
]


def shown(caught: "pytest.ExceptionInfo[BaseException]") -> str:
    """All that the exception says, without the lines of this file."""
    error: "BaseException | None" = caught.value
    said = ""
    while error is not None:
        said += str(error) + repr(error) + "".join(traceback.format_exception_only(type(error), error))
        error = error.__cause__ or error.__context__
    return said


def attempt(call: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    """It returns, or raises one of the exceptions that an argument may raise, which does not repeat it."""
    with pytest.raises((TypeError, ValueError, OverflowError, AgentSecretsError, _Returned)) as caught:
        call(*arguments, **named)
        raise _Returned
    # Labels of environments and members are no secrets: that one is not there is said with it, as in every language.
    if getattr(caught.value, "code", "") not in ("unknown_environment", "unknown_member"):
        assert CANARY not in shown(caught), call
    if isinstance(caught.value, AgentSecretsError):
        assert caught.value.code != "internal" and caught.value.code != "poisoned", shown(caught)


class _Returned(Exception):
    pass


KEY = generate_keys()
ME = Identity.generate("human")
SEED: Tuple[Identity, int, bytes] = (ME, 1_767_225_600_000, bytes(32))
ID = "ab" * 32
# Each public call that takes arguments, with right ones; each is tried with every wrong thing in each place.
CALLS: Dict[str, Tuple[Callable[..., Any], Tuple[Any, ...]]] = {
    "Secret": (Secret, ("a",)),
    "Config": (lambda value: Config(vault=value), ("memory",)),
    "Config.home": (lambda value: Config(home=value), ("/nowhere",)),
    "Config.identity": (lambda value: Config(identity=value), (ME.string(),)),
    "Config.workspace": (lambda value: Config(workspace=value), (ID,)),
    "Config.set": (Config().set, ("relay", "http://relay.example")),
    "Client": (Client, (Config(),)),
    "init": (init, ("label", Config(vault="memory"))),
    "Identity.generate": (Identity.generate, ("human",)),
    "Identity.parse": (Identity.parse, (ME.string(),)),
    "seal": (seal, (KEY[0], b"a")),
    "seal_many": (seal_many, (KEY[0], [b"a"])),
    "unseal": (unseal, (KEY[1], seal(KEY[0], b"a"))),
    "unseal_many": (unseal_many, (KEY[1], [seal(KEY[0], b"a")])),
    "public_key": (public_key, (KEY[1],)),
    "verify": (verify, ("log", "1:" + ID)),
    "load.require": (lambda value: load(require=value, config=Config(vault="memory")), ([],)),
    "load.env": (lambda value: load(env=value, config=Config(vault="memory")), ("development",)),
    "load.max_age": (lambda value: load(max_age=value, config=Config(vault="memory")), (5,)),
    "load.config": (lambda value: load(config=value), (Config(vault="memory"),)),
    "override": (lambda value: override(value).__enter__(), ({},)),
    "override value": (lambda value: override({"A": value}).__enter__(), ("a",)),
    "member": (lambda label: member(None, label), ("laptop",)),
    "Machine.create": (Machine.create, (SEED, "acme", "laptop", "")),
    "Machine.join": (Machine.join, (SEED, "code", "laptop")),
    "Machine.invite": (Machine.invite, (SEED, ID, "reader", "", 0)),
    "Machine.admit": (Machine.admit, (SEED, ID)),
    "Machine.sync": (Machine.sync, (SEED, ID)),
    "Machine.set": (Machine.set, (SEED, ID, "development", "A", "a")),
    "Machine.delete": (Machine.delete, (SEED, ID, "development", "A")),
    "Machine.push": (Machine.push, (SEED, ID, "development")),
    "Machine.load": (Machine.load, (SEED, ID, "development")),
    "Machine seed": (lambda now, entropy: Machine.sync((ME, now, entropy), ID), (1, bytes(32))),
    "Operation.create": (Operation.create, (ME, "acme", "laptop", "")),
    "Operation.join": (Operation.join, (ME, "code", "laptop")),
    "Operation.invite": (Operation.invite, (ME, ID, "reader", [], 5.0)),
    "Operation.set": (Operation.set, (ME, ID, "development", "A", "a")),
    "Operation.load": (Operation.load, (ME, ID, "development")),
    "AgentSecretsError": (lambda code: AgentSecretsError("why", code=code), ("closed",)),
}


@pytest.mark.parametrize("name", CALLS)
def test_wrong_arguments(name: str) -> None:
    call, right = CALLS[name]
    for place in range(len(right)):
        for wrong in WRONG:
            attempt(call, *right[:place], wrong, *right[place + 1:])
    attempt(call)
    attempt(call, *right, *right, *right)
    attempt(call, *right, canary=CANARY)
    attempt(call, *right, **{CANARY[:6]: CANARY})
    leave_overrides()


def leave_overrides() -> None:
    from agentsecrets_core import _load

    _load._overrides.clear()


CLIENT_CALLS: Dict[str, Tuple[Any, ...]] = {
    "create": ("acme", "laptop", ""), "join": ("code", "laptop"), "pull": ("development",), "push": ("development",),
    "set": ("A", "a", "development"), "delete": ("A", "development"), "secrets": ("development",), "list": ("development",),
    "diff": ("development", "staging"), "history": ("A", "development"),
    "secret_policy": ("A", "development"), "set_secret_policy": ("A", None, "development"),
}
WORKSPACE_CALLS: Dict[str, Tuple[Any, ...]] = {
    "connect": ("http://127.0.0.1:1",), "invite": ("reader", [], 5.0), "uninvite": ("ab",),
    "admit_recipient": (ME.recipient, "agent", "reader", []), "remove": ("nobody", "departed"), "set_role": ("nobody", "reader"),
    "set_scope": ("nobody", []), "safety_number": ("nobody",), "confirm": ("nobody",), "create_environment": ("preview",),
    "rename_environment": ("preview", "review"), "archive_environment": ("preview",), "set_policy": (60, "warns"),
    "exposure": ("",), "follow": (0.0,), "adopt": ("1:" + ID,),
}


@pytest.mark.parametrize("name", [*CLIENT_CALLS, *(f"workspace.{name}" for name in WORKSPACE_CALLS)])
def test_wrong_arguments_of_a_client(name: str) -> None:
    client = member(None, "laptop")
    on: Any = client.workspace if "." in name else client
    right = {**CLIENT_CALLS, **WORKSPACE_CALLS}[name.split(".")[-1]]
    call = getattr(on, name.split(".")[-1])
    for place in range(len(right)):
        for wrong in WRONG:
            if wrong != CANARY or place == len(right) - 1 or name != "create":
                attempt(call, *right[:place], wrong, *right[place + 1:])
    attempt(call, *right, *right, *right)
    attempt(call, canary=CANARY)


def test_wrong_arguments_of_values() -> None:
    with override({"A": "fake-value"}) as secrets:
        for wrong in WRONG:
            attempt(secrets.__getitem__, wrong)
            attempt(secrets.__contains__, wrong)
            attempt(secrets.get, wrong)
            if not isinstance(wrong, (str, type(None))):
                attempt(secrets.apply_env, wrong)
        attempt(Secrets)


def test_wrong_arguments_of_what_agents_get() -> None:
    rule = {"host": "api.example", "methods": ["GET"], "paths": ["/v1/**"], "places": ["bearer"]}
    with override({"A": "fake-value"}, policies={"A": {"access": "use-only", "sign": True, "rules": [rule]}}) as secrets:
        handle, redactor = secrets.handle("A"), Redactor({"A": "fake-value"})
        assert redactor.redact("fake-value") == "[redacted A]" and handle.sign(b"message")
        for wrong in WRONG:
            attempt(secrets.handle, wrong)
            attempt(handle.request, wrong, "https://api.example/v1/balance")
            attempt(handle.request, "GET", wrong)
            attempt(handle.attenuate, methods=wrong)
            attempt(handle.attenuate, ttl=wrong)
            attempt(handle.sign, wrong)
            attempt(Redactor, wrong)
            attempt(spawn, wrong, only=[], secrets=secrets)
            attempt(spawn, ["true"], only=wrong, secrets=secrets)
            if not isinstance(wrong, str):
                attempt(redactor.redact, wrong)
        with pytest.raises(errors.ReadForbidden):
            secrets["A"]


def test_wrong_replies() -> None:
    for wrong in WRONG:
        machine = Machine.create(SEED, "acme", "laptop", "")
        attempt(machine.next, wrong)
        step = Machine.create(SEED, "acme", "laptop", "").next(SEED[1])[1]
        attempt(machine.stored, wrong)
        attempt(machine.loaded, step, wrong)
        attempt(machine.answered, step, wrong, b"", None)
        attempt(machine.answered, step, 200, wrong, None)
        attempt(machine.answered, step, 200, b"", wrong)
        attempt(machine.failed, step, wrong)


def test_wrong_responses() -> None:
    class Odd:
        def __init__(self, answer: Any) -> None:
            self.answer = answer

        def send(self, request: Request) -> Any:
            return self.answer

    class Nothing:
        def load(self, key: str) -> None:
            return None

        def store(self, key: str, data: bytes) -> None:
            pass

        def remove(self, key: str) -> None:
            pass

    for wrong in [*WRONG, Response(200, CANARY), Response(-1, b""), Response(2**40, b""), Response(200, b"", float("nan"))]:  # type: ignore[arg-type]
        with pytest.raises((TypeError, ValueError, OverflowError, AttributeError, AgentSecretsError)) as caught:
            Operation.create(ME, "acme", "laptop", "http://relay.example").run(Nothing(), Odd(wrong))
        assert CANARY not in shown(caught)


def test_all_public_calls_are_in_the_tables() -> None:
    tried = {name.split(".")[0] for name in CALLS} | {"load", "aload", "Secrets", "Answer", "Handle", "Redactor", "spawn", "errors",
                                                      "Change", "Watch", "Workspace", "generate_keys", "__version__"}
    assert set(agentsecrets_core.__all__) <= tried
    own = {name for name in vars(Client) if not name.startswith("_")}
    assert own <= {*CLIENT_CALLS, "close", "recipient", "workspace", "sync"}
    from agentsecrets_core import Workspace

    plain = {"id", "status", "invitations", "admit", "members", "leave", "rekey", "team", "environments", "policy", "audit",
             "head", "head_words", "export", "repush"}
    assert {name for name in vars(Workspace) if not name.startswith("_")} <= {*WORKSPACE_CALLS, *plain}


def test_every_code_has_its_class() -> None:
    from agentsecrets_core.errors import make
    from agentsecrets_core._native import ERROR_CODES

    bare = {code for code in ERROR_CODES if type(make(code, "why")) is AgentSecretsError}
    assert bare == {"internal", "busy", "unsupported", "poisoned", "already_member", "workspace_mismatch", "workspace_exists",
                    "environment_exists", "project_file", "already_published", "version_not_held", "no_snapshot",
                    "broker_unreachable", "call_record_broken", "lease_unknown"}
    assert len(set(ERROR_CODES.values())) == len(ERROR_CODES) > 70
