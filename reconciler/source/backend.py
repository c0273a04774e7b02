"""Where commits come from: what a local repository and a mirrored one have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.source.commands import Commands
    from reconciler.source.layout import Layout
    from reconciler.source.surroundings import Trait


class Backend(Protocol):
    """One branch of one repository whose objects can be read here."""

    @property
    def named(self) -> str:
        """The repository in messages, without secrets."""

    @property
    def layout(self) -> Layout:
        """Where the objects lie."""

    @property
    def commands(self) -> Commands:
        """Starts git on those objects."""

    def head(self) -> str:
        """The commit the branch has now; its objects can be read on return."""

    def last_head(self) -> str | None:
        """The newest commit known without asking anybody, or None."""

    def watch_paths(self) -> tuple[Path, ...]:
        """Folders in which something changes when the branch moves."""

    def notes(self, paths: Sequence[str]) -> list[str]:
        """Facts for a person about what is not reconciled."""

    def followed(self) -> str:
        """What is followed, in words for a person."""

    def surroundings(self) -> list[Trait]:
        """What is unusual about the repository."""

    def replace(self) -> bool:
        """Whether what could not be read was replaced by something sound, so that it may be asked again."""

    def tidy(self) -> None:
        """Does, now that nothing else is to be done, what keeps this small; cheap when nothing is due."""

    def close(self) -> None:
        """Releases everything; safe to call twice."""
