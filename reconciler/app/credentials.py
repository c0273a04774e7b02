"""From the configuration's ways of giving a secret to what the registry room reads at each use."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler import registry
from reconciler.errors import ConfigurationError
from reconciler.redaction import remember
from reconciler.secret import CommandSecret, EnvironmentSecret, FileSecret, GivenSecret, Secret, StoredSecret
from reconciler.settings.secret_texts import page_tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic import BaseModel

    from reconciler.settings import AuditSettings, WebSettings

    At = Callable[[str], Any]
    """What stands at a key of a table: a text, a path, the words of a program, or None."""


def auth_of(
    base: Path, project_id: str, at: At, cooldown: registry.CredentialCooldown | None = None
) -> registry.RegistryAuth:
    """The flow that proves who this program is to a target's registry.

    `at` is what stands at a key of the target's table `auth`; requests are signed for the project. Relative
    paths of secret files start at `base`. All targets of a process share the `cooldown`.

    Raises:
        ConfigurationError: a secret is missing.
    """
    match at("method"):
        case "aksk":
            return registry.AccessKeyAuth(
                _required(base, at, "access_key"),
                _required(base, at, "secret_key"),
                security_token=_secret_at(base, at, "security_token"),
                project_id=project_id,
                cooldown=cooldown,
            )
        case "token":
            return registry.TokenAuth(_required(base, at, "token"))
        case "password":
            return registry.PasswordAuth(
                at("iam_endpoint"),
                at("username"),
                _required(base, at, "password"),
                domain=at("domain"),
                scope=at("scope"),
                cooldown=cooldown,
            )
        case _:
            return registry.RegistryAuth()


def keys_of(section: BaseModel | None) -> At:
    """What stands at each key of a section; secrets are given as they are."""

    def at(key: str) -> Any:  # noqa: ANN401 - a text, a path, or the words of a program
        value: Any = getattr(section, key, None)
        return value.get_secret_value() if hasattr(value, "get_secret_value") else value

    return at


def secret_of(base: Path, section: BaseModel, name: str) -> Secret | None:
    """The secret that a section gives in one of its ways, or None when it gives none."""
    return _secret_at(base, keys_of(section), name)


def _secret_at(base: Path, at: At, name: str) -> Secret | None:
    command = at(f"{name}_command")
    stored = _stored_at(base, at, name)
    return stored if command is None or stored is not None else CommandSecret(command)


def _stored_at(base: Path, at: At, name: str) -> StoredSecret | None:
    value, file, variable = (at(name + way) for way in ("", "_file", "_env"))
    if value is not None:
        return GivenSecret(value)
    if file is not None:
        return FileSecret(base / file)
    return EnvironmentSecret(variable) if variable is not None else None


def webhook_secret(base: Path, web: WebSettings) -> Callable[[], str | None]:
    """Reads the webhook's secrets anew at each delivery: one a line; None when there is none.

    What it gives raises ConfigurationError when they cannot be read now.
    """
    return partial(_lines_of, base, web, "web.webhook_secret")


def push_url(base: Path, audit: AuditSettings) -> str | None:
    """Where notes are pushed to, with its credential; None where that is not said.

    It is no secret but for the credential: `source.repo`, which messages name, is often the same.

    Raises:
        ConfigurationError: it cannot be read.
    """
    url = _read_now(base, audit, "audit.push_url")
    return None if url is None else url.strip()


def page_tokens(base: Path, web: WebSettings) -> Callable[[], list[str]] | None:
    """Reads the tokens that let a visitor look anew at each request; None where none is needed.

    Raises:
        ConfigurationError: they cannot be read, or one is short enough to be guessed; so does what it gives.
    """
    if web.token is None and web.token_file is None and web.token_env is None:
        return None

    def now() -> list[str]:
        try:
            return page_tokens_of(_lines_of(base, web, "web.token") or "")
        except ValueError as error:
            raise ConfigurationError(f"web.token: {error}") from None

    now()
    return now


def _lines_of(base: Path, web: WebSettings, key: str) -> str | None:
    """The secrets of the page as they are now, one a line."""
    text = _read_now(base, web, key)
    for secret in (text or "").splitlines():
        remember(secret.strip())
    return text


def _read_now(base: Path, section: BaseModel, key: str) -> str | None:
    """What a section gives as it is now, None where it gives none; `key` is the full name, for messages."""
    secret = _stored_at(base, keys_of(section), key.rpartition(".")[2])
    try:
        return None if secret is None else secret.read_now()
    except ConfigurationError as error:
        raise ConfigurationError(f"{key}: {error}") from None


def _required(base: Path, at: At, name: str) -> Secret:
    secret = _secret_at(base, at, name)
    if secret is None:
        raise ConfigurationError(f"{name} is missing")
    return secret
