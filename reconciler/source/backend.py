"""Where commits come from: what every repository has to give, and one on this machine, read where it is."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import closing
from typing import TYPE_CHECKING

from reconciler.errors import SourceError
from reconciler.printable import printable
from reconciler.source import git_env
from reconciler.source.commands import FOUND_OR_NOT, Commands
from reconciler.source.git_files import (
    Layout,
    branch_ref,
    branches,
    discover,
    is_object_id,
    link_folders,
    missing_branch,
    nearest_folder,
    read_ref,
    reftable_names,
    symbolic_target,
)
from reconciler.source.plumbing import pathspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.source.repository_traits import Trait

_FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"
_COUNTED = 100_000  # uncommitted changes; nobody wants to know of more
_STATUS = (
    *("status", "--porcelain=v1", "-z"),
    *("--untracked-files=normal", "--ignore-submodules=all", "--no-renames"),
)


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

    def traits(self) -> list[Trait]:
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


class LocalRepository(Backend):
    """One branch of a repository on this machine, which is somebody else's: nothing in it is replaced.

    Finding its newest commit starts no process.
    """

    def __init__(
        self, start: Path, branch: str | None, *, setting: str, timeout: float, heap: int | None = None
    ) -> None:
        """Finds the repository; starts nothing.

        `start` is the folder that was named, absolute: every `head` finds anew what is there; `setting` says
        what named it. Without a branch, HEAD is followed. Timeout and heap are those of `Commands`.

        Raises:
            SourceError: no repository is there.
        """
        self._start = start
        self._setting = setting
        self._ref = "HEAD" if branch is None else branch_ref(branch)
        self._timeout = timeout
        self._heap = heap
        self._last: str | None = None
        self._last_lookup: tuple[tuple[bytes, ...], str] | None = None
        self._enter(discover(start, setting))

    def head(self) -> str:
        """The commit the branch has now, in the repository that is there now."""
        layout = discover(self._start, self._setting)
        if layout != self.layout:  # moved, or a link was made to lead to another work tree
            self.commands.close()
            self._enter(layout)
        if layout.has_reftable:
            self._last = self._looked_up()
        else:
            self._last = read_ref(layout, self._ref) or self._missing()
        return self._last

    def last_head(self) -> str | None:
        """The commit that `head` found last."""
        return self._last

    def watch_paths(self) -> tuple[Path, ...]:
        """Folders to watch, each without those below it; ask again after every change.

        They are those of the repository that is there now; none where there is no repository.
        """
        try:
            layout = discover(self._start)
        except SourceError:
            return ()
        folders = [layout.git_dir, layout.common_dir]
        if layout.has_reftable:
            folders += [folder / "reftable" for folder in (layout.git_dir, layout.common_dir)]
            return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))
        target = symbolic_target(layout) if self._ref == "HEAD" else self._ref
        if target is not None:
            ref = layout.common_dir / target
            folders += [
                folder for folder in reversed(ref.parents) if folder.is_relative_to(layout.common_dir)
            ]
        return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))

    def location_paths(self) -> tuple[Path, ...]:
        """The folders of the links on the way to the repository; where none is, the one where it would be."""
        try:
            discover(self._start)
        except SourceError:
            return (nearest_folder(self._start),)
        return tuple(link_folders(self._start))

    def notes(self, paths: Sequence[str]) -> list[str]:
        """Uncommitted changes, a detached HEAD, another branch checked out, a cut-off history."""
        return [*self._branch_notes(), *self._dirt(paths), *self.cut_off()]

    def followed(self) -> str:
        """What is followed, in words."""
        if self._ref != "HEAD":
            return f"branch {printable(self._ref.removeprefix('refs/heads/'))}"
        checked_out = self._checked_out()
        if checked_out is None:
            return "a detached HEAD, which follows no branch"
        return f"HEAD, which is branch {printable(checked_out.removeprefix('refs/heads/'))}"

    def traits(self) -> list[Trait]:
        """What is unusual about the repository, and where git's configuration comes from."""
        from reconciler.source.repository_traits import Trait, traits  # noqa: PLC0415 - for `doctor` alone

        traits_here = list(traits(self._start, self.layout, self.head()))
        printed = self.commands.run("config", "--list", "--show-origin", "--name-only", "--null")
        origins = (text[5:] for text in printed.decode(errors="replace").split("\0") if text[:5] == "file:")
        own = os.path.realpath(self.layout.common_dir / "config")
        places = dict.fromkeys(os.path.realpath(self.layout.folder / origin) for origin in origins)
        others = [printable(place) for place in places if place != own]
        if others:
            traits_here.append(Trait(True, f"git's configuration comes from {', '.join(others)}, too"))
        return traits_here

    def _enter(self, layout: Layout) -> None:
        self.layout = layout
        self.named = printable(str(layout.folder))
        variables = git_env.for_local(layout)
        self.commands = Commands(layout.folder, variables, timeout=self._timeout, heap=self._heap)

    def _looked_up(self) -> str:
        """The commit in a binary table of refs: git is asked only when the table is another."""
        tables = reftable_names(self.layout)
        if self._last_lookup is None or self._last_lookup[0] != tables or not all(tables):
            self._last_lookup = (tables, self._asked())
        return self._last_lookup[1]

    def _asked(self) -> str:
        """What git says, for a repository whose refs are in no files."""
        arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", self._ref)
        commit = self.commands.text(*arguments, accept=FOUND_OR_NOT)
        if not is_object_id(commit):
            raise SourceError(f"{self.named}: {printable(self._ref)} has no commit; check source.branch")
        return commit

    def _missing(self) -> str:
        ref = (symbolic_target(self.layout) or "HEAD") if self._ref == "HEAD" else self._ref
        raise missing_branch(self.named, ref.removeprefix("refs/heads/"), branches(self.layout))

    def _checked_out(self) -> str | None:
        """The ref that HEAD names, or None when it is detached."""
        if not self.layout.has_reftable:
            return symbolic_target(self.layout)
        return self.commands.text("symbolic-ref", "--quiet", "HEAD", accept=FOUND_OR_NOT) or None

    def _branch_notes(self) -> list[str]:
        checked_out = self._checked_out()
        if self._ref == "HEAD" and checked_out is None:
            return [f"{self.named}: HEAD is detached: no branch is followed; set source.branch to follow one"]
        if self.layout.top is None or self._ref in ("HEAD", checked_out):
            return []
        name = printable(self._ref.removeprefix("refs/heads/"))
        other = printable((checked_out or "no branch").removeprefix("refs/heads/"))
        return [f"{self.named}: the work tree has {other} checked out; what is reconciled is {name}"]

    def _dirt(self, paths: Sequence[str]) -> list[str]:
        if self.layout.top is None:
            return []
        try:
            changed = self._count_changed(paths)
        except SourceError as error:
            return [f"{error}; whether the work tree has uncommitted changes is not known"]
        if not changed:
            return []
        number = f"more than {_COUNTED:,}" if changed > _COUNTED else str(changed)
        what = "1 uncommitted change" if changed == 1 else f"{number} uncommitted changes"
        where = "" if not all(paths) or not paths else f" below {', '.join(map(printable, paths))}"
        verb = "is" if changed == 1 else "are"
        return [f"{self.named}: {what}{where} {verb} not considered; only committed content counts"]

    def _count_changed(self, paths: Sequence[str]) -> int:
        """How many files differ from the last commit, looked at without the repository's filter programs."""
        status = self.commands.configured([(key, "") for key in self._filters()], {})
        with closing(status), status.stream(*_STATUS, *pathspec(*paths), total=True) as output:
            number = 0
            for piece in output.pieces():
                number += piece.count(b"\0")
                if number > _COUNTED:
                    break
            return number

    def _filters(self) -> list[str]:
        """The configuration keys under which any filter program stands."""
        asked = ("config", "--null", "--name-only", "--get-regexp")
        printed = self.commands.run(*asked, _FILTERS, accept=FOUND_OR_NOT)
        return sorted({key.decode(errors="surrogateescape") for key in printed.split(b"\0") if key})
