"""The ways in which a target proves who this program is."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from reconciler.settings.section import Credentials
from reconciler.settings.types import Endpoint  # noqa: TC001 - pydantic reads the annotations


class AkSkAuth(Credentials):
    """Signs each request with an access key."""

    method: Literal["aksk"] = Field(description="Signs each request with an access key.")
    access_key: str = Field(description="The access key; by itself it is no secret.")
    secret_key: SecretStr | None = Field(
        None, description="The secret key itself; better in one of the other ways."
    )
    secret_key_file: Path | None = Field(
        None, description="The secret key in a file of its own, relative to this one."
    )
    secret_key_env: str | None = Field(
        None, description="The secret key in this variable of the environment."
    )
    secret_key_command: tuple[str, ...] | None = Field(
        None, description="The secret key as this program prints it; no shell."
    )
    security_token: SecretStr | None = Field(
        None,
        description="The security token of a temporary key itself; better in one of the other ways.",
    )
    security_token_file: Path | None = Field(
        None, description="The security token of a temporary key in a file of its own, relative to this one."
    )
    security_token_env: str | None = Field(
        None, description="The security token of a temporary key in this variable of the environment."
    )
    security_token_command: tuple[str, ...] | None = Field(
        None, description="The security token of a temporary key as this program prints it; no shell."
    )

    @classmethod
    def required_secrets(cls) -> frozenset[str]:
        """A temporary key has a security token; a permanent one has not."""
        return frozenset({"secret_key"})


class TokenAuth(Credentials):
    """Sends a ready IAM token."""

    method: Literal["token"] = Field(description="Sends a ready IAM token.")
    token: SecretStr | None = Field(None, description="The token itself; better in one of the other ways.")
    token_file: Path | None = Field(None, description="The token in a file of its own, relative to this one.")
    token_env: str | None = Field(None, description="The token in this variable of the environment.")
    token_command: tuple[str, ...] | None = Field(
        None, description="The token as this program prints it; no shell."
    )

    @classmethod
    def required_secrets(cls) -> frozenset[str]:
        """The token itself."""
        return frozenset({"token"})


class PasswordAuth(Credentials):
    """Logs in at IAM and renews the token ahead of its end."""

    method: Literal["password"] = Field(description="Logs in at IAM, and renews the token ahead of its end.")
    iam_endpoint: Endpoint = Field(
        description="Address of IAM.", examples=["https://iam.cn-north-4.myhuaweicloud.com"]
    )
    username: str = Field(description="The IAM user.")
    domain: str = Field(description="The account that the user belongs to.")
    scope: str = Field(description="Name of the project that the token is for.", examples=["cn-north-4"])
    password: SecretStr | None = Field(
        None, description="The password itself; better in one of the other ways."
    )
    password_file: Path | None = Field(
        None, description="The password in a file of its own, relative to this one."
    )
    password_env: str | None = Field(None, description="The password in this variable of the environment.")
    password_command: tuple[str, ...] | None = Field(
        None, description="The password as this program prints it; no shell."
    )

    @classmethod
    def required_secrets(cls) -> frozenset[str]:
        """The password."""
        return frozenset({"password"})


Auth = Annotated[AkSkAuth | TokenAuth | PasswordAuth, Field(discriminator="method")]
