"""A repository that holds notes alone, shared with a remote: made, packed, and replaced where it is damaged.

It is a copy of what the journal and the remote hold. So one that is damaged is moved aside and begun anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import BudgetError, SourceError
from reconciler.private import make_directory
from reconciler.source import environment
from reconciler.source.bare import discard_leftovers, is_whole, make_bare, remove
from reconciler.source.commands import Commands, GitError
from reconciler.source.errors import is_damage
from reconciler.source.layout import bare_layout
from reconciler.source.notes import AS_THEY_ARE, Notes

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.remote import Remote

AUTOMATIC = (("gc.auto", "1000"), ("gc.autoPackLimit", "20"), ("gc.autoDetach", "false"))
"""When git finds that packing is due; it does it before it ends."""
_GC = ("gc", "--auto", "--quiet")
_FSCK = ("fsck", "--no-dangling", "--no-progress")
_REFUSED = re.compile(r"^ ! \[", re.MULTILINE)  # by the other side of a push
_THEIRS = re.compile(
    r"^remote: .*$", re.MULTILINE
)  # what it says of itself: how far it is, and what fails there


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Of one repository, which nobody but this program writes.

    Attributes:
        folder: the repository's.
        commands: git there, configured with `AUTOMATIC`, and with time enough to pack all of it.
        sha256: whether its object ids are SHA-256.
    """

    folder: Path
    commands: Commands
    sha256: bool

    def prepare(self) -> str | None:
        """Makes the repository where there is none; says where one was moved that is none any more.

        The locks of a git that was killed are removed: no later write would ever take place.

        Raises:
            SourceError: it cannot be made.
        """
        moved = None if is_whole(self.folder, sha256=self.sha256) else self.begin_anew()
        discard_leftovers(self.folder)
        return moved

    def pack(self) -> None:
        """Packs what lies loose, if that is more than a thousand objects; and all packs, if they are many.

        git says whether that is due, and a lock of its own keeps two from doing it.

        Raises:
            SourceError: git failed, or took too long; nothing is lost by that.
        """
        self.commands.run(*_GC)

    def replace_damaged(self, error: SourceError) -> str | None:
        """Begins anew if git failed for what lies here; says where the damaged one was moved.

        Whether it is damaged, `git fsck` says. None when it is sound, or git failed for another reason.

        Raises:
            SourceError: a new one cannot be made.
        """
        if not _may_be_damage(error) or self._is_sound():
            return None
        return self.begin_anew()

    def begin_anew(self) -> str | None:
        """Puts an empty repository in its place; says where the old one was moved, if there was one.

        One that was moved before is removed.

        Raises:
            SourceError: a new one cannot be made.
        """
        aside, new = (self.folder.with_name(f"{self.folder.name}.{word}") for word in ("damaged", "new"))
        try:
            remove(new)  # of one that was killed here
            make_directory(new)
            make_bare(new, head="refs/heads/none", sha256=self.sha256)
            is_there = self.folder.exists()
            if is_there:
                remove(aside)  # once nothing can fail any more: it may be the only copy of something
                self.folder.rename(aside)
            new.rename(self.folder)
        except OSError as error:
            advice = "make room, or set state.dir to another folder"
            raise SourceError(f"{self.folder}: cannot be made: {error.strerror}; {advice}") from error
        return str(aside) if is_there else None

    def _is_sound(self) -> bool:
        if not is_whole(self.folder, sha256=self.sha256):
            return False
        try:
            self.commands.run(*_FSCK)
        except (BudgetError, GitError):
            return False
        except SourceError:  # it takes too long, which says nothing
            return True
        return True

    def close(self) -> None:
        """Ends what still runs; safe to call twice."""
        self.commands.close()


def _may_be_damage(error: SourceError) -> bool:
    """Whether git may have failed for what lies here, and not for the way to a remote or its answer."""
    if isinstance(error, BudgetError):  # git broke down
        return True
    if not isinstance(error, GitError) or _REFUSED.search(error.stderr):
        return False
    return is_damage(_THEIRS.sub("", error.stderr))


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
