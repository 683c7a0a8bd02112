"""A source of values for pydantic-settings.

    class Settings(BaseSettings):
        database_url: SecretStr

        @classmethod
        def settings_customise_sources(cls, settings_cls, init_settings, **others):
            return init_settings, AgentSecretsSource(settings_cls)
"""
from typing import Any, Dict, Optional, Tuple, Type

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from ._load import Secrets, load

__all__ = ["AgentSecretsSource"]


class AgentSecretsSource(PydanticBaseSettingsSource):
    """Fields by their alias, else by env_prefix and name in capitals. Values are loaded once, when the source is made."""

    def __init__(self, settings_cls: Type[BaseSettings], secrets: Optional[Secrets] = None) -> None:
        super().__init__(settings_cls)
        self._secrets = load() if secrets is None else secrets

    def get_field_value(self, field: FieldInfo, field_name: str) -> Tuple[Any, str, bool]:
        """The value, or None where there is none."""
        alias = field.validation_alias if isinstance(field.validation_alias, str) else field.alias
        name = alias or f"{self.config.get('env_prefix') or ''}{field_name}".upper()
        value = self._secrets.get(name)
        return (None if value is None else value.reveal()), alias or field_name, self.field_is_complex(field)

    def __call__(self) -> Dict[str, Any]:
        """All fields that there are values for."""
        found: Dict[str, Any] = {}
        for field_name, field in self.settings_cls.model_fields.items():
            value, key, is_complex = self.get_field_value(field, field_name)
            if value is not None:
                found[key] = self.prepare_field_value(field_name, field, value, is_complex)
        return found
