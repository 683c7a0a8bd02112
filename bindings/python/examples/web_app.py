"""A FastAPI application whose settings come from agentsecrets, by pydantic-settings.

    uvicorn web_app:app
"""
from typing import Dict, Tuple, Type

from fastapi import FastAPI
from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agentsecrets_core.pydantic import AgentSecretsSource


class Settings(BaseSettings):
    """What the application needs; a missing one stops it at its start, with all names in one error."""

    # A value that does not fit its field stays out of pydantic's error.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    database_url: SecretStr
    api_token: SecretStr

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: Type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> Tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, AgentSecretsSource(settings_cls)


def make_app() -> FastAPI:
    settings = Settings()  # type: ignore[call-arg]
    app = FastAPI()

    @app.get("/health")
    def health() -> Dict[str, bool]:  # pyright: ignore[reportUnusedFunction]
        return {"database": bool(settings.database_url.get_secret_value()), "api": bool(settings.api_token.get_secret_value())}

    return app


app = make_app()
