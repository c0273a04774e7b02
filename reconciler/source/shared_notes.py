"""Notes that are kept in a repository of their own, which is shared with a remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.source import environment
from reconciler.source.commands import Commands
from reconciler.source.layout import bare_layout
from reconciler.source.notes import AS_THEY_ARE, Notes
from reconciler.source.upkeep import AUTOMATIC, Upkeep

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.remote import Remote

_PUSHED = (*AS_THEY_ARE, ("push.pushOption", ""))  # those that the user has are for other repositories
_PACKING = 10  # times the timeout that packing may take


def shared_notes(remote: Remote, ref: str, folder: Path, *, timeout: float, sha256: bool) -> Notes:
    """Notes that are kept in a repository of their own and shared with a remote; nothing is made yet.

    Args:
        remote: where they are pushed to.
        ref: begins with `refs/notes/`.
        folder: holds these repositories.
        timeout: seconds, as for `Commands`.
        sha256: whether the commits' ids are SHA-256.
    """
    layout = bare_layout(folder / f"{remote.digest(ref)}.git")
    variables = environment.for_mirror(layout)
    writing, packing, talking = (
        Commands(
            layout.git_dir,
            one,
            timeout=patience,
            named=named,
            redact=remote.redact,
        )
        for one, patience, named in (
            (variables, timeout, None),
            (variables | environment.configuration((*AS_THEY_ARE, *AUTOMATIC)), timeout * _PACKING, None),
            (environment.for_remote(layout, remote, _PUSHED), timeout, remote.shown),
        )
    )
    return Notes(writing, layout.git_dir, ref, talking, Upkeep(layout.git_dir, packing, sha256))
