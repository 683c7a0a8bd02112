"""Environment secrets of a team, end-to-end encrypted.

    from agentsecrets_core import load

    secrets = load(require=["DATABASE_URL"])
    connect(secrets["DATABASE_URL"].reveal())

Nothing is read, opened or asked for at import. What is seldom needed is imported on first use.
"""
from ._load import Change, Secrets, aload, load
from ._native import Config, Identity, Secret, __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import errors
    from ._agents import Answer, Handle, Redactor, spawn
    from ._client import Client, Workspace, init, verify
    from ._native import generate_keys, public_key, seal, seal_many, unseal, unseal_many
    from ._watch import Watch
    from .errors import AgentSecretsError

_LATER = {
    "AgentSecretsError": "errors",
    "Answer": "_agents",
    "Handle": "_agents",
    "Redactor": "_agents",
    "spawn": "_agents",
    "errors": "errors",
    "Client": "_client",
    "Workspace": "_client",
    "Watch": "_watch",
    "init": "_client",
    "verify": "_client",
    "generate_keys": "_native",
    "public_key": "_native",
    "seal": "_native",
    "seal_many": "_native",
    "unseal": "_native",
    "unseal_many": "_native",
}

__all__ = [
    "AgentSecretsError",
    "Answer",
    "Change",
    "Client",
    "Config",
    "Handle",
    "Identity",
    "Redactor",
    "Secret",
    "Secrets",
    "Watch",
    "Workspace",
    "__version__",
    "aload",
    "errors",
    "generate_keys",
    "init",
    "load",
    "public_key",
    "seal",
    "seal_many",
    "spawn",
    "unseal",
    "unseal_many",
    "verify",
]


def __getattr__(name: str) -> object:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = import_module(f"{__name__}.{module}")
    value: object = found if module == name else getattr(found, name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    return sorted(__all__)
