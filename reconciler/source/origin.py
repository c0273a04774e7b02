"""Which host a repository was cloned from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.errors import ConfigurationError
from reconciler.remote import parse_remote
from reconciler.source.ignored import listed
from reconciler.source.layout import discover

if TYPE_CHECKING:
    from pathlib import Path


def origin_host(folder: Path) -> str:
    """The host that the remote `origin` names, such as `github.com`; empty where there is none, or no host.

    Raises:
        SourceError: the folder lies in no repository.
    """
    urls = listed(discover(folder), "config", "-z", "--get", "remote.origin.url")
    try:
        remote = parse_remote(urls[0]) if urls else None
    except ConfigurationError:
        return ""
    if remote is None:
        return ""
    if "://" in remote.shown:
        return urlsplit(remote.shown).hostname or ""
    return remote.shown.rpartition("@")[2].partition(":")[0].lower()
