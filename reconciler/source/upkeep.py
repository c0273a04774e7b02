"""Looking after a repository that holds notes alone: the locks of a killed git, and many small writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.source.bare import discard_stale_locks

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.source.commands import Commands

AUTOMATIC = (("gc.auto", "1000"), ("gc.autoPackLimit", "20"), ("gc.autoDetach", "false"))
"""When git finds that packing is due; it does it before it ends."""
_GC = ("gc", "--auto", "--quiet")


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Of one repository, which nobody but this program writes.

    Attributes:
        folder: the repository's.
        commands: git there, configured with `AUTOMATIC`, and with time enough to pack all of it.
    """

    folder: Path
    commands: Commands

    def recover(self) -> None:
        """Removes the locks of a git that was killed: no later write would ever take place."""
        discard_stale_locks(self.folder)

    def pack(self) -> None:
        """Packs what lies loose, if that is more than a thousand objects; and all packs, if they are many.

        git says whether that is due, and a lock of its own keeps two from doing it.

        Raises:
            SourceError: git failed, or took too long; nothing is lost by that.
        """
        self.commands.run(*_GC)

    def close(self) -> None:
        """Ends what still runs; safe to call twice."""
        self.commands.close()
