"""load(): from a vault in files, with a relay, without one, and what it says when something is missing."""
import asyncio
import datetime
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Tuple

import pytest

import agentsecrets_core
from agentsecrets_core import Client, Config, Secrets, aload, errors, load
from agentsecrets_core.testing import MemoryRelay


def test_values(home: Path) -> None:
    secrets = load(require=["DATABASE_URL"])
    assert isinstance(secrets, Mapping) and list(secrets) == ["API_TOKEN", "DATABASE_URL"] and len(secrets) == 2
    assert secrets["DATABASE_URL"].reveal() == "fake-value-1" and secrets.get("NOPE") is None
    assert "DATABASE_URL" in secrets and "NOPE" not in secrets and 5 not in secrets  # type: ignore[comparison-overlap]
    assert secrets.environment == "development" and secrets.version > 0 and 0 <= secrets.age < 60
    assert "fake" not in repr(secrets) + repr(dict(secrets))
    with pytest.raises(KeyError) as caught:
        secrets["NOPE"]
    assert isinstance(caught.value, errors.UnknownSecret) and caught.value.code == "unknown_secret"
    with pytest.raises(TypeError):
        pickle.dumps(secrets)


def test_all_missing_names_in_one_error(home: Path) -> None:
    with pytest.raises(errors.MissingSecrets) as caught:
        load(require=["NOPE_1", "DATABASE_URL", "NOPE_2"])
    error = caught.value
    assert error.names == ["NOPE_1", "NOPE_2"] and "development" in str(error) and "home" in str(error)
    assert error.code == "missing_secrets" and not error.retryable and error.retry_after is None


def test_offline_needs_no_relay(home: Path, relay: MemoryRelay) -> None:
    relay.stop()
    assert load(offline=True, max_age=0)["API_TOKEN"] == "fake-value-2"
    assert load()["API_TOKEN"] == "fake-value-2"
    with pytest.raises(errors.RelayUnreachable) as caught:
        load(max_age=0)
    assert caught.value.retryable and caught.value.hint


def test_max_age_and_refresh(home: Path) -> None:
    secrets = load(max_age=datetime.timedelta(hours=1))
    with Client() as other:
        other.set("API_TOKEN", "fake-value-3")
        other.delete("DATABASE_URL")
        other.push()
    assert secrets["API_TOKEN"] == "fake-value-2"
    change = secrets.refresh()
    assert change and change.updated == {"API_TOKEN"} and change.deleted == {"DATABASE_URL"}
    assert secrets["API_TOKEN"] == "fake-value-3" and not secrets.refresh()


def test_ages_in_words(home: Path) -> None:
    for age in (3600, 3600.0, "60m", "24h", "7d", "90s", datetime.timedelta(days=1)):
        assert load(max_age=age)["API_TOKEN"] == "fake-value-2"
    for wrong in ("", "h", "1w", "-1h", "1.5h", "1 h", "canary-7f3a"):
        with pytest.raises(errors.InvalidArgument) as caught:
            load(max_age=wrong)
        assert "canary" not in str(caught.value)
    with pytest.raises(TypeError):
        load(max_age=[1])  # type: ignore[arg-type]


def test_closed_at_the_end_of_a_block(home: Path) -> None:
    with load() as secrets:
        kept = secrets["API_TOKEN"]
    with pytest.raises(errors.Closed):
        secrets["API_TOKEN"]
    for run in (lambda: len(secrets), lambda: list(secrets), lambda: "A" in secrets, lambda: secrets.version):
        with pytest.raises(errors.Closed):
            run()
    assert kept.reveal() == "fake-value-2" and "closed" in repr(secrets)

    async def block() -> str:
        async with await aload() as values:
            return values["API_TOKEN"].reveal()

    assert asyncio.run(block()) == "fake-value-2"


def test_asynchronous(home: Path) -> None:
    async def both() -> Tuple[Secrets, Secrets]:
        first, second = await asyncio.gather(aload(), aload(require=["API_TOKEN"]))
        await first.arefresh()
        return first, second

    first, second = asyncio.run(both())
    assert first["API_TOKEN"] == second["API_TOKEN"]


def test_other_environments(home: Path) -> None:
    with Client() as client:
        client.set("DATABASE_URL", "fake-staging", env="staging")
        client.push("staging")
    assert load(env="staging")["DATABASE_URL"] == "fake-staging"
    with pytest.raises(errors.AgentSecretsError) as caught:
        load(env="nowhere")
    assert caught.value.code == "unknown_environment"


def test_apply_env(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "mine")
    secrets = load()
    assert secrets.apply_env(only=["API_TOKEN"]) == [] and os.environ["API_TOKEN"] == "mine"
    assert secrets.apply_env(only=["API_TOKEN"], override=True) == ["API_TOKEN"]
    assert os.environ["API_TOKEN"] == "fake-value-2"
    with pytest.raises(KeyError):
        secrets.apply_env(only=["DATABASE_URL", "NOPE"])
    assert "DATABASE_URL" not in os.environ
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert secrets.apply_env() == ["DATABASE_URL"]
    del os.environ["DATABASE_URL"]


def test_nothing_at_import(home: Path) -> None:
    got = subprocess.run([sys.executable, "-I", "-S", "-c", "import sys; before=set(sys.modules);"
                          f"sys.path[:0]={[p for p in sys.path if p]!r};"
                          "import agentsecrets_core; print(sorted(set(sys.modules)-before))"],
                         capture_output=True, text=True, cwd=home)
    assert got.returncode == 0 and not got.stderr, got.stderr
    assert not {"json", "asyncio", "typing", "logging", "ssl", "socket", "dataclasses"} & set(eval(got.stdout)), got.stdout


def test_config_by_hand(home: Path) -> None:
    by_hand = Config(vault="memory", workspace=os.environ["AGENTSECRETS_WORKSPACE"])
    with pytest.raises(errors.NoIdentity):
        load(config=by_hand)
    with pytest.raises(errors.InvalidArgument):
        Config(flavour="sweet")


def test_version() -> None:
    assert agentsecrets_core.__version__.count(".") == 2
