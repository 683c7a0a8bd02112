"""For settings.py of Django.

    from agentsecrets_core.django import settings_secrets

    secret = settings_secrets(require=["DJANGO_SECRET_KEY"])
    SECRET_KEY = secret("DJANGO_SECRET_KEY")
"""
from typing import Any, Callable, Iterable, Optional

from django.core.exceptions import ImproperlyConfigured

from .errors import AgentSecretsError
from ._load import load

__all__ = ["settings_secrets"]


def settings_secrets(*, require: Iterable[str] = (), env: Optional[str] = None, **how: Any) -> Callable[..., str]:
    """Loads once; what it returns gives a value by name, or the default that is given. Django sees text, since it keeps no
    other kind; name settings so that its error pages hide them (SECRET, KEY, PASSWORD, TOKEN)."""
    try:
        secrets = load(require=require, env=env, **how)
    except AgentSecretsError as error:
        raise ImproperlyConfigured(str(error)) from error

    def secret(name: str, *default: str) -> str:
        if name in secrets:
            return secrets[name].reveal()
        if default:
            return default[0]
        raise ImproperlyConfigured(f"no secret {name} in {secrets.environment}")

    return secret
