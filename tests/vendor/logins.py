"""The ways to log in, each as a table of `reconciler.toml` with its secrets beside it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.program import Fleet
from tests.vendor.served import (
    ACCESS_KEY,
    PASSWORD,
    PROJECT,
    REGION,
    SECRET_KEY,
    SECURITY_TOKEN,
    TEMPORARY_KEY,
    TEMPORARY_SECRET,
    login,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

QUICK = '[follow]\nfirst = "100ms"\nmax = "300ms"\nsettle = "300ms"\n[web]\nenabled = false\n'


@dataclass(frozen=True)
class Way:
    """One way to log in.

    Attributes:
        auth: the inline table; `{url}` is the registry's.
        files: secrets in files, by path from the folder of the configuration.
        variables: secrets in the environment.
    """

    auth: str
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def installed(self, fleet: Fleet) -> None:
        """Puts the secrets where the configuration looks for them, outside of git."""
        for name, content in self.files.items():
            file = fleet.folder / "secrets" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(content, "utf-8")
        fleet.environment.update(self.variables)


NOBODY = Way("")
"""No credentials, for a registry that lets everybody in."""


def access_key(secret: str = SECRET_KEY, key: str = ACCESS_KEY) -> Way:
    """AK/SK, the secret key in a file."""
    return Way(
        f'{{method = "aksk", access_key = "{key}", secret_key_file = "secrets/sk"}}', {"sk": f"{secret}\n"}
    )


def temporary(secret: str = TEMPORARY_SECRET, token: str = SECURITY_TOKEN) -> Way:
    """Temporary AK/SK, the secret key from the environment and the security token from a command."""
    auth = (
        f'{{method = "aksk", access_key = "{TEMPORARY_KEY}", secret_key_env = "REGISTRY_SECRET_KEY", '
        'security_token_command = ["cat", "secrets/st"]}'
    )
    return Way(auth, {"st": f"{token}\n"}, {"REGISTRY_SECRET_KEY": secret})


def token(value: str) -> Way:
    """A ready token in a file."""
    return Way('{method = "token", token_file = "secrets/token"}', {"token": f"{value}\n"})


def password(value: str = PASSWORD) -> Way:
    """An IAM login, the password from the environment."""
    auth = (
        f'{{method = "password", iam_endpoint = "{{url}}", username = "robot", domain = "acme", '
        f'scope = "{REGION}", password_env = "REGISTRY_PASSWORD"}}'
    )
    return Way(auth, {}, {"REGISTRY_PASSWORD": value})


def way_of(name: str, url: str) -> Way:
    """The way of a name, with the right secrets."""
    match name:
        case "aksk":
            return access_key()
        case "temporary":
            return temporary()
        case "password":
            return password()
    return token(login(url))


NAMES = ("aksk", "temporary", "token", "password")


def target(url: str, way: Way, name: str = "prod", path: str = "models.d", more: str = "") -> str:
    """A table of `reconciler.toml`."""
    auth = f"auth = {way.auth.replace('{url}', url)}\n" if way.auth else ""
    return (
        f"[targets.{name}]\nkind = {json.dumps('modelarts')}\nendpoint = {json.dumps(url)}\n"
        f"project_id = {json.dumps(PROJECT)}\npath = {json.dumps(path)}\n{auth}{more}\n"
    )


def fleet_of(folder: Path, url: str, way: Way, more: str = "") -> Fleet:
    """A repository whose one target is the registry, with the secrets in place."""
    fleet = Fleet(folder)
    way.installed(fleet)
    fleet.configure(target(url, way) + QUICK + more)
    fleet.commit({".gitignore": "secrets/\n.reconciler/\nreconciler.toml\n"})
    return fleet


def in_sync(fleet: Fleet) -> bool:
    """Whether every model that is remembered is in sync, and there is one."""
    done = fleet("status", "--output", "json")
    return bool(done.out) and set(done.verdicts.values()) == {"in-sync"}


def until(what: Callable[[], bool], seconds: float = 40) -> None:
    """Waits for something to become true."""
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.1)
