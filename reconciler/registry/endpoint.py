"""An endpoint: https, or http to this very machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.network import is_loopback

if TYPE_CHECKING:
    import httpx

_PROJECT = re.compile(r"[0-9A-Za-z_-]{1,64}")
_LARGEST_PORT = 65535


def parse_endpoint(text: str, setting: str = "endpoint") -> httpx.URL:
    """The endpoint as a URL whose path has no trailing `/` (but for the root's own).

    Raises:
        ConfigurationError: it is not an http(s) URL, carries credentials, a query or a fragment, or is
            http to another machine.
    """
    import httpx  # noqa: PLC0415 - slow

    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, TypeError):
        raise ConfigurationError(f"{setting} is not a URL: write https://host") from None
    if url.userinfo:
        raise ConfigurationError(f"{setting} carries credentials: remove what stands before the @")
    if url.query or url.fragment:
        extra = len(url.query) + len(url.fragment)
        raise ConfigurationError(
            f"{setting} has {extra} characters after its ? or #, which no base of an API has: remove them"
        )
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(
            f"{setting} of {len(text)} characters is not the base of an API: write https://host"
        )
    if url.scheme == "http" and not is_loopback(url.host):
        raise ConfigurationError(
            f"{setting} {str(url)!r} would send credentials unencrypted: write https (http is for loopback)"
        )
    try:
        url.host.encode("idna")
    except UnicodeError:
        raise ConfigurationError(f"{setting} {str(url)[:200]!r}: its host cannot be a name") from None
    if url.port is not None and not 0 < url.port <= _LARGEST_PORT:
        raise ConfigurationError(f"{setting} {str(url)!r}: a port is a number from 1 to {_LARGEST_PORT}")
    return url.copy_with(path=url.path.rstrip("/"))


def parse_project(project_id: str) -> str:
    """The project id, once it is certain that it is a single, plain part of a path.

    Raises:
        ConfigurationError: it is not.
    """
    if not _PROJECT.fullmatch(project_id):
        raise ConfigurationError(
            f"project_id of {len(project_id)} characters is not one: 1 to 64 ASCII letters, digits, - or _ "
            "are wanted"
        )
    return project_id
