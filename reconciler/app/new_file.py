"""Writes a file that is not there yet, below a folder that no link leads out of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from pathlib import Path


def write_new(root: Path, path: Path, data: bytes) -> bool:
    """Writes a file and the folders above it; gives False, and changes nothing, where something is there.

    Raises:
        ReconcilerError: the path leads out of the folder by a symbolic link.
        OSError: as writing does.
    """
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise ReconcilerError(f"{path}: leads out of {root} by a symbolic link; nothing is written there")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True
