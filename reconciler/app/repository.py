"""The source that is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.source import open_source

if TYPE_CHECKING:
    from reconciler.settings import Configuration
    from reconciler.source import GitSource


def source_of(configuration: Configuration) -> GitSource:
    """The source, opened; the caller closes it."""
    wanted = configuration.settings.source
    return open_source(
        wanted.repo,
        branch=wanted.branch,
        cache_dir=configuration.state_dir / "mirrors",
        base=configuration.base,
        timeout=wanted.timeout.total_seconds(),
        paths=[target.path for target in configuration.settings.targets.values()],
    )
