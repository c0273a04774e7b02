"""Where commits come from: what a local repository and a mirrored one have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.source.commands import Commands
    from reconciler.source.layout import Layout
    from reconciler.source.surroundings import Trait


class Backend(ABC):
    """One branch of one repository whose objects can be read here.

    Attributes:
        named: the repository in messages, without secrets.
        layout: where the objects lie.
        commands: starts git on those objects.
        way_out: how the rest of a history that is cut off is got.
    """

    named: str
    layout: Layout
    commands: Commands
    way_out = "`git fetch --unshallow` brings the rest"

    @abstractmethod
    def head(self) -> str:
        """The commit the branch has now; its objects can be read on return."""

    @abstractmethod
    def last_head(self) -> str | None:
        """The newest commit known without asking anybody, or None."""

    @abstractmethod
    def notes(self, paths: Sequence[str]) -> list[str]:
        """Facts for a person about what is not reconciled."""

    def cut_off(self) -> list[str]:
        """What a person should know of a history that ends too soon; nothing of a whole one."""
        if not self.layout.is_shallow:
            return []
        cause = f"{self.named}: shallow clone: history ends where it was cut off"
        return [f"{cause}, and older changes are credited to the oldest commit there is; {self.way_out}"]

    @abstractmethod
    def followed(self) -> str:
        """What is followed, in words for a person."""

    def watch_paths(self) -> tuple[Path, ...]:
        """Folders in which something changes when the branch moves; none where that is elsewhere."""
        return ()

    def location_paths(self) -> tuple[Path, ...]:
        """Folders in which a name changes when another repository is there; none where that is elsewhere."""
        return ()

    def surroundings(self) -> list[Trait]:
        """What is unusual about the repository."""
        return []

    def replace(self) -> bool:
        """Whether what could not be read was replaced by something sound, so that it may be asked again."""
        return False

    def tidy(self) -> None:  # noqa: B027 - most have nothing to do
        """Does, now that nothing else is to be done, what keeps this small; cheap when nothing is due."""

    def close(self) -> None:
        """Ends git processes; safe to call twice."""
        self.commands.close()
