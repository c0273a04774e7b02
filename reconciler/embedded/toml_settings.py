"""The registry's settings from a TOML file: every switch of `EmbeddedSettings` under its own name.

What is left out keeps its default. Three things are written differently: `clock_offset` stands for the clock,
`faults` names a file of its own, and each secret of `[auth]` is given by value, as the name of a file, or as
that of an environment variable.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    create_model,
    model_validator,
)

from reconciler.contract import edition
from reconciler.embedded.settings import ANSWERS, AccountKeys, EmbeddedSettings, User
from reconciler.embedded.testing.faults import load_faults, mistakes
from reconciler.errors import ConfigurationError
from reconciler.phrases import did_you_mean
from reconciler.redaction import shown_name
from reconciler.text_form import Form
from reconciler.toml_file import read_toml
from reconciler.toml_lines import key_lines, placed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FilePath = Annotated[Path, BeforeValidator(lambda value: Path(value) if isinstance(value, str) else value)]
Name = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_PROJECT_ID = Form(
    r"^[0-9A-Za-z_-]{1,64}$", "the id of a project: up to 64 letters, digits, _ and -, such as project-1"
)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class _WithSecrets(_Table):
    """Each secret `x` is given in one way: as x, x_file or x_env."""

    @model_validator(mode="after")
    def _one_way_each(self) -> _WithSecrets:
        for name, field in type(self).model_fields.items():
            if not name.endswith("_file"):
                continue
            secret = name.removesuffix("_file")
            ways = [way for way in (secret, name, f"{secret}_env") if getattr(self, way) is not None]
            if len(ways) > 1:
                raise ValueError(f"give {secret} in one way only, not as {' and '.join(ways)}")
            if not ways and field.json_schema_extra is None:
                raise ValueError(f"{secret} is missing: give {name}, {secret}_env or {secret}")
        return self


class AccessKey(_WithSecrets):
    """`[[auth.access_keys]]`: a key and, where it is a temporary one, the security token it comes with."""

    access_key: Name
    secret_key: SecretStr | None = None
    secret_key_file: FilePath | None = None
    secret_key_env: Name | None = None
    security_token: SecretStr | None = None
    security_token_file: FilePath | None = Field(None, json_schema_extra={"optional": True})
    security_token_env: Name | None = None


class UserTable(_WithSecrets):
    """`[[auth.users]]`: who may log in with a password."""

    name: Name
    domain: Name
    password: SecretStr | None = None
    password_file: FilePath | None = None
    password_env: Name | None = None


class AuthTable(_Table):
    """`[auth]`: whom the registry lets in; without it, everybody."""

    access_keys: list[AccessKey] = []
    users: list[UserTable] = []
    clock_window: Seconds | None = None
    token_lifetime: Seconds | None = None
    lockout_after: int | None = Field(None, ge=1)
    lockout_seconds: Seconds | None = None


class _Switches(_Table):
    """The whole file, but for the switches of `ANSWERS`."""

    database: FilePath | None = None
    edition: Name | None = None
    publish_seconds: Seconds | None = None
    fail_pattern: Name | None = None
    in_use_pattern: Name | None = None
    pending_status: Name | None = None
    sparse_items: bool | None = None
    strict: bool | None = None
    quota: int | None = Field(None, ge=0)
    projects: dict[Name, Annotated[str, _PROJECT_ID]] | None = None
    clock_offset: float | None = Field(None, allow_inf_nan=False)
    faults: FilePath | None = None
    auth: AuthTable | None = None


_ANSWERS: dict[str, Any] = {name: (answers | None, None) for name, answers in ANSWERS.items()}
RegistryFile = create_model("RegistryFile", __base__=_Switches, **_ANSWERS)
"""The whole file."""


def read_settings(file: Path) -> EmbeddedSettings:
    """The settings that a TOML file holds; relative paths in it start at its folder.

    Raises:
        ConfigurationError: it cannot be read, has an unknown key or a bad value, one a line, or names a
            secret that is not there. No value of a secret is in the message.
    """
    try:
        table = RegistryFile.model_validate(read_toml(file))
    except ValidationError as error:
        raise mistakes(error, file, said=_said) from None
    given: dict[str, Any] = {
        name: value
        for name, value in ((name, getattr(table, name)) for name in table.model_fields_set)
        if name not in ("auth", "clock_offset", "database", "faults")
    }
    if table.database is not None:
        given["database"] = file.parent / table.database
    if table.clock_offset is not None:
        given["clock"] = _clock(table.clock_offset)
    if table.faults is not None:
        given["faults"] = load_faults(file.parent / table.faults)
    try:
        if table.edition is not None:
            edition(table.edition)
        if table.auth is not None:
            given["auth"] = _credentials(table.auth, file.parent)
        return EmbeddedSettings(**given)
    except _BadSecretError as error:
        raise ConfigurationError(f"{placed(file, key_lines(file), error.keys)}: {error}") from None
    except ConfigurationError as error:  # its message begins with the switch
        place = placed(file, key_lines(file), str(error).split(maxsplit=1)[:1])
        raise ConfigurationError(f"{place}: {error}") from None


class _BadSecretError(ConfigurationError):
    """A secret is not where the file says; `keys` is where the file says so."""

    def __init__(self, message: str, keys: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.keys = keys


def _clock(offset: float) -> Callable[[], float]:
    return lambda: time.time() + offset


def _credentials(table: AuthTable, base: Path) -> AccountKeys:
    numbers = table.model_dump(exclude={"access_keys", "users"}, exclude_none=True)
    secrets, tokens = {}, {}
    for number, key in enumerate(table.access_keys):
        keys = ("auth", "access_keys", number)
        secrets[key.access_key] = _secret(key, "secret_key", base, keys)
        tokens[key.access_key] = _secret(key, "security_token", base, keys)
    users = [
        (user.name, _secret(user, "password", base, ("auth", "users", number)), user.domain)
        for number, user in enumerate(table.users)
    ]
    return AccountKeys(
        access_keys={key: secret for key, secret in secrets.items() if secret is not None},
        security_tokens={key: token for key, token in tokens.items() if token is not None},
        users=tuple(User(name, password or "", domain) for name, password, domain in users),
        **numbers,
    )


def _secret(table: _WithSecrets, name: str, base: Path, keys: tuple[str | int, ...]) -> str | None:
    value, file, variable = (getattr(table, f"{name}{way}") for way in ("", "_file", "_env"))
    try:
        if file is not None:
            return _usable(_read(base / file), f"{name}_file {shown_name(str(file))}")
        if variable is not None:
            return _usable(os.environ.get(variable, ""), f"{name}_env {shown_name(variable)}")
        return None if value is None else _usable(value.get_secret_value(), name)
    except ConfigurationError as error:
        way = "_file" if file is not None else "_env" if variable is not None else ""
        raise _BadSecretError(str(error), (*keys, name + way)) from None


def _usable(secret: str, place: str) -> str:
    if not secret.strip():
        raise ConfigurationError(f"{place} is empty or not set: put the secret there")
    return secret.rstrip("\r\n")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{shown_name(file.name)}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{shown_name(file.name)}: not UTF-8 text") from None


def _said(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        tables = (RegistryFile, AuthTable, AccessKey, UserTable)
        names = [name for table in tables for name in table.model_fields]
        return f"unknown key{did_you_mean(str(fault['loc'][-1]), names)}"
    if fault["type"] == "missing":
        return "missing, and required"
    return str(fault["msg"]).removeprefix("Value error, ").replace("Input should be", "expected")
