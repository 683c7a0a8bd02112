"""A source of values for pydantic-settings, beside its own for the environment and .env files.

    class Settings(BaseSettings):
        model_config = SettingsConfigDict(hide_input_in_errors=True)
        database_url: SecretStr

        @classmethod
        def settings_customise_sources(cls, settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings):
            return init_settings, AgentSecretsSource(settings_cls)

hide_input_in_errors keeps pydantic from showing a value that does not fit its field.
"""
from typing import Any, Iterator, Mapping, Optional, Type

from pydantic_settings import BaseSettings, EnvSettingsSource

from ._load import Secrets, load

__all__ = ["AgentSecretsSource"]


class AgentSecretsSource(EnvSettingsSource):
    """Fields by the rules of environment variables: aliases, env_prefix, nested names, JSON for lists and models.

    Without `secrets`, what load() gives. Values are revealed as fields ask for them.
    """

    def __init__(self, settings_cls: Type[BaseSettings], secrets: Optional[Secrets] = None, **rules: Any) -> None:
        self._secrets = load() if secrets is None else secrets
        super().__init__(settings_cls, **rules)

    def _load_env_vars(self) -> Mapping[str, Optional[str]]:
        return _Revealed(self._secrets, bool(self.case_sensitive))

    def __repr__(self) -> str:
        return f"AgentSecretsSource({self._secrets!r})"


class _Revealed(Mapping[str, Optional[str]]):
    """Text by name; where case does not count, by the name in small letters."""

    def __init__(self, secrets: Secrets, case_sensitive: bool) -> None:
        self._secrets = secrets
        self._names = {name if case_sensitive else name.lower(): name for name in secrets}

    def __getitem__(self, key: str) -> Optional[str]:
        return self._secrets[self._names[key]].reveal()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<{len(self)} values, redacted>"
