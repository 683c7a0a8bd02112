"""Beside the real packages: pydantic-settings, Django, pytest, logging."""
import io
import json
import logging
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple, Type

import pytest
from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agentsecrets_core import Secrets, errors, load
from agentsecrets_core.log import RedactSecrets
from agentsecrets_core.pydantic import AgentSecretsSource
from agentsecrets_core.testing import override

Sources = Tuple[PydanticBaseSettingsSource, ...]


class Ours(BaseSettings):
    """Settings from agentsecrets alone."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: Type[BaseSettings], init_settings: PydanticBaseSettingsSource, env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource, file_secret_settings: PydanticBaseSettingsSource,
    ) -> Sources:
        return init_settings, AgentSecretsSource(settings_cls)


class Smtp(BaseModel):
    host: str
    port: int = 25


class Settings(Ours):
    model_config = SettingsConfigDict(env_prefix="APP_", env_nested_delimiter="__", hide_input_in_errors=True)

    database_url: SecretStr
    workers: int = 1
    hosts: List[str] = []
    smtp: Optional[Smtp] = None
    token: str = Field("none", validation_alias=AliasChoices("API_TOKEN", "OLD_TOKEN"))


def test_pydantic_settings_by_the_rules_of_environment_variables() -> None:
    values = {"APP_DATABASE_URL": "postgres://fake", "APP_WORKERS": "4", "APP_HOSTS": '["a", "b"]', "APP_SMTP__HOST": "mail.invalid",
              "APP_SMTP__PORT": "26", "OLD_TOKEN": "fake-token"}
    with override(values):
        settings = Settings()  # type: ignore[call-arg]
    assert settings.database_url.get_secret_value() == "postgres://fake" and settings.workers == 4
    assert settings.hosts == ["a", "b"] and settings.smtp == Smtp(host="mail.invalid", port=26) and settings.token == "fake-token"


def test_pydantic_settings_prefers_what_is_given(home: Path) -> None:
    class Real(Ours):
        api_token: SecretStr

    assert Real().api_token.get_secret_value() == "fake-value-2"  # type: ignore[call-arg]
    assert Real(api_token=SecretStr("mine")).api_token.get_secret_value() == "mine"


def test_a_value_that_does_not_fit_stays_out_of_the_error() -> None:
    with override({"APP_DATABASE_URL": "x", "APP_WORKERS": "canary-7f3a"}), pytest.raises(ValidationError) as caught:
        Settings()  # type: ignore[call-arg]
    assert "canary" not in str(caught.value) and "canary" not in repr(AgentSecretsSource(Settings, _values({"A": "canary-7f3a"})))
    with override({}), pytest.raises(ValidationError) as missing:
        Settings()  # type: ignore[call-arg]
    assert "database_url" in str(missing.value).lower()


def _values(values: Dict[str, str]) -> Secrets:
    with override(values) as secrets:
        return secrets


DJANGO = """
    import django
    from django.conf import settings
    from django.test import RequestFactory
    from agentsecrets_core.django import settings_secrets

    secret = settings_secrets(require=["API_TOKEN"])
    settings.configure(SECRET_KEY=secret("API_TOKEN"), DEBUG=True, ALLOWED_HOSTS=["*"], OPTIONAL=secret("NOPE", "default"),
                       ROOT_URLCONF=(), DATABASE_PASSWORD=secret("DATABASE_URL"))
    django.setup()
    assert settings.SECRET_KEY == "fake-value-2" and settings.OPTIONAL == "default"
    from django.core.signing import Signer
    assert Signer().unsign(Signer().sign("hello")) == "hello"
    from django.views.debug import technical_500_response
    page = technical_500_response(RequestFactory().get("/"), ValueError, ValueError("why"), None).content.decode()
    assert "DATABASE_PASSWORD" in page and "fake-value" not in page
    from django.core.exceptions import ImproperlyConfigured
    for wrong in (lambda: secret("NOPE"), lambda: settings_secrets(require=["NOPE_1", "NOPE_2"])):
        try:
            wrong()
        except ImproperlyConfigured as error:
            assert "NOPE" in str(error) and "fake-value" not in str(error)
        else:
            raise AssertionError
    print("right")
"""


def test_django(home: Path) -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(DJANGO)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "right\n", done.stderr


def test_the_pytest_plugin_is_found_and_overrides(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from agentsecrets_core import load
        from agentsecrets_core.testing import member

        def app():
            return load(require=["API_TOKEN"])["API_TOKEN"].reveal()

        def test_override(agentsecrets_override):
            agentsecrets_override({"API_TOKEN": "fake-1"})
            assert app() == "fake-1"
            agentsecrets_override({"API_TOKEN": b"fake-2", "OTHER": "fake-3"})
            assert app() == "fake-2"

        def test_missing(agentsecrets_override):
            import pytest
            from agentsecrets_core.errors import MissingSecrets
            agentsecrets_override({})
            with pytest.raises(MissingSecrets) as caught:
                app()
            assert caught.value.names == ["API_TOKEN"]

        def test_ended():
            from agentsecrets_core import _load
            assert not _load._overrides

        def test_relay(agentsecrets_relay):
            laptop = member(agentsecrets_relay, "laptop")
            laptop.set("API_TOKEN", "fake-4")
            laptop.push()
            assert member(agentsecrets_relay, "phone", founder=laptop).secrets()["API_TOKEN"] == "fake-4"
    """)
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4)
    assert "/v1/workspaces" not in result.stdout.str() + result.stderr.str(), "the relay writes no lines"


def logged(secrets: Secrets, run: Callable[[logging.Logger], None]) -> str:
    stream = io.StringIO()
    logger, handler = logging.Logger("test"), logging.StreamHandler(stream)
    handler.addFilter(RedactSecrets(secrets))
    logger.addHandler(handler)
    run(logger)
    return stream.getvalue()


def test_the_logging_filter() -> None:
    # Put together here, so that the lines of source in a stack do not hold it.
    mark = "-".join(["canary", "7f3a"])
    values = {"TOKEN": mark, "LONGER": f"{mark}-and-more", "LINES": f'{mark} "one"\nand\ttwo\'s \\', "SHORT": "abc",
              "BYTES": f"Grüße-{mark}"}

    def write(logger: logging.Logger) -> None:
        logger.error("token %s, %r, %s", values["TOKEN"], values["LINES"], {"a": values["LONGER"]})
        logger.error(values["BYTES"] + " abc")
        logger.error(json.dumps({"json": values["LINES"]}))
        logger.error("%d of %s", "not a number", values["TOKEN"])
        logger.error(values["TOKEN"] + "%s %s", "one")
        logger.error("with \ud800 surrogates " + values["TOKEN"])
        try:
            raise ValueError(values["TOKEN"])
        except ValueError:
            logger.exception("failed", stack_info=True)

    with override(values) as secrets:
        shown = logged(secrets, write)
    assert mark not in shown and "abc" in shown
    for name in ("TOKEN", "LONGER", "LINES", "BYTES"):
        assert f"[{name}]" in shown
    assert "ValueError: [TOKEN]" in shown and "cannot be formatted" in shown


def test_the_filter_follows_a_rotation(home: Path) -> None:
    from agentsecrets_core import Client

    secrets = load()
    with Client() as client:
        client.set("API_TOKEN", "fake-value-new")
        client.push()
    secrets.refresh()
    assert "[API_TOKEN]" in logged(secrets, lambda logger: logger.warning("token fake-value-new"))


def test_missing_names_are_where_they_were_looked_for() -> None:
    with override({"A": "fake"}), pytest.raises(errors.MissingSecrets) as caught:
        load(require=["B", "A", "C"])
    assert caught.value.names == ["B", "C"] and "this test" in str(caught.value)
