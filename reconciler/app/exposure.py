"""What a configuration lays open: secrets that others can read, ports and connections that others can use.

Warnings only: each of them may be meant, and none of them stops the program.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, SecretStr

from reconciler.app.finding import Finding
from reconciler.network import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.settings import Configuration

_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})


def exposures(configuration: Configuration, names: tuple[str, ...]) -> Iterator[Finding]:
    """A warning for everything that lies more open than it needs to."""
    for keys, section in _sections(configuration, names):
        for name in section.model_fields_set:
            value = getattr(section, name)
            if isinstance(value, SecretStr):
                yield from _inline(configuration, (*keys, name))
            elif name.endswith("_file") and value is not None:
                yield from _readable(configuration.base / value, ".".join((*keys, name)))
    yield from _passwords_in_urls(configuration)
    yield from _listening(configuration)
    yield from _unencrypted_state(configuration)


def _sections(
    configuration: Configuration, names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], BaseModel]]:
    """The tables that may hold secrets, each with its keys."""
    yield ("web",), configuration.settings.web
    yield ("audit",), configuration.settings.audit
    for name in names:
        auth = configuration.settings.targets[name].auth
        if auth is not None:
            yield ("targets", name, "auth"), auth


def _inline(configuration: Configuration, keys: tuple[str, ...]) -> Iterator[Finding]:
    place = configuration.place(*keys)
    if place.startswith("environment "):
        return
    key = ".".join(keys)
    remedy = f"change the secret, and name where the new one is with {keys[-1]}_file or {keys[-1]}_env"
    yield Finding("secrets", "warning", f"{place}: {key}: the secret itself is in the file", None, remedy)


def _readable(file: Path, key: str) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError:
        return  # whoever needs the secret says that it cannot be read
    if mode & stat.S_IROTH:
        message = f"{key}: {file} can be read by every user of this machine (mode {mode:04o})"
        yield Finding("secrets", "warning", message, None, f"chmod o-rwx {file}")


def _passwords_in_urls(configuration: Configuration) -> Iterator[Finding]:
    settings = configuration.settings
    for keys, url in (
        (("source", "repo"), settings.source.repo),
        (("state", "url"), settings.state.url or ""),
    ):
        place = configuration.place(*keys)
        if _password(url) and not place.startswith("environment "):
            message = f"{place}: {'.'.join(keys)}: a password is in the URL"
            variable = f"RECONCILER_{'__'.join(keys).upper()}"
            remedy = f"give the URL in the variable {variable}, or leave the password to "
            remedy += "git's credential helper" if keys[0] == "source" else "PGPASSFILE"
            yield Finding("secrets", "warning", message, None, remedy)


def _password(url: str) -> bool:
    try:
        return "://" in url and bool(urlsplit(url).password)
    except ValueError:
        return False


def _listening(configuration: Configuration) -> Iterator[Finding]:
    web = configuration.settings.web
    has_token = any((web.token, web.token_file, web.token_env))
    if not web.enabled or has_token or web.listen is None or _is_here(web.listen.rpartition(":")[0]):
        return
    message = (
        f"web.listen: {web.listen} can be reached from other machines, and everybody there can read the page"
    )
    remedy = "set web.token_file, or listen on 127.0.0.1 with a proxy in front that knows who may look"
    yield Finding("web", "warning", message, None, remedy)


def _unencrypted_state(configuration: Configuration) -> Iterator[Finding]:
    url = configuration.settings.state.url or ""
    if not url.startswith("postgresql"):
        return
    try:
        parts = urlsplit(url)
        given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    except ValueError:
        return
    host = given.get("host") or parts.hostname or ""
    mode = given.get("sslmode") or os.environ.get("PGSSLMODE") or "prefer"
    if not host or host.startswith("/") or _is_here(host) or mode in _ENCRYPTED:
        return
    named = "not given" if mode == "prefer" else mode
    message = f"state.url: sslmode is {named}: the connection to {host} may be unencrypted"
    remedy = "add ?sslmode=verify-full&sslrootcert=FILE to state.url, or set PGSSLMODE and PGSSLROOTCERT"
    yield Finding("state", "warning", message, None, remedy)


def _is_here(host: str) -> bool:
    bare = host.strip("[]")
    return not bare or is_loopback(bare)
