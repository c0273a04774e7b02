"""A repository behind a URL, mirrored bare: one branch, no work tree, asked with `ls-remote` first.

A mirror appears whole, by a rename, or not at all. It is a cache: a damaged one is replaced by a new
one, which takes its place only once it is complete.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from reconciler.errors import SourceError
from reconciler.private import make_directory
from reconciler.source import environment
from reconciler.source.commands import Commands
from reconciler.source.complaint import DAMAGE
from reconciler.source.layout import bare_layout, is_git_dir
from reconciler.source.refs import branch_ref, is_object_id, missing_branch, read_ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.source.address import Remote
    from reconciler.source.commands import Tally

_REMOTE = "source"  # its URL stands in the environment of the commands that need it
_OWN_REF = "refs/heads/remote-head"  # where the remote's HEAD is kept when no branch is named
_ABANDONED = 3600.0  # seconds after which an unfinished mirror belongs to no living process
_SHA256_DIGITS = 64
_FETCH = (
    "fetch",
    "--progress",
    "--no-tags",
    "--prune",
    "--force",
    "--update-shallow",
    "--no-auto-maintenance",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    _REMOTE,
)


class Mirror:
    """One branch of a remote repository, and its bare copy on this machine."""

    def __init__(
        self, remote: Remote, branch: str | None, cache_dir: Path, *, timeout: float, tally: Tally
    ) -> None:
        """Nothing is read or written yet.

        Args:
            remote: the repository's URL.
            branch: the wanted branch, or None for the remote's HEAD.
            cache_dir: holds the mirrors; made when first needed.
            timeout: seconds, as for `Commands`.
            tally: counts git processes.
        """
        self._remote = remote
        self._branch = branch
        self._wanted = "HEAD" if branch is None else branch_ref(branch)
        self._kept = _OWN_REF if branch is None else self._wanted
        self._cache_dir = cache_dir.absolute()
        self._timeout = timeout
        self._tally = tally
        self.named = remote.shown
        self.layout = bare_layout(self._cache_dir / f"{remote.digest(branch)}.git")
        self._talks: WeakSet[Commands] = WeakSet()
        self.commands = Commands(
            self.layout.git_dir,
            environment.for_mirror(self.layout),
            tally=tally,
            timeout=timeout,
            named=self.named,
            redact=remote.redact,
        )

    def head(self) -> str:
        """The commit the remote branch has now, fetched if it is new.

        Raises:
            SourceError: the remote cannot be reached, has no such branch, or cannot be mirrored.
        """
        tip = self._advertised()
        known = self.last_head()
        if known is None:
            self._renew(tip, damaged=self.layout.git_dir.exists())
        elif known != tip:
            self._update(tip)
        return self.last_head() or tip

    def last_head(self) -> str | None:
        """The commit fetched last, by this process or an earlier one."""
        try:
            return read_ref(self.layout, self._kept) if is_git_dir(self.layout.git_dir) else None
        except SourceError:
            return None

    def watch_paths(self) -> tuple[Path, ...]:
        """Nothing on this machine changes when a remote does."""
        return ()

    def notes(self, paths: Sequence[str]) -> list[str]:  # noqa: ARG002 - a bare copy has no work tree
        """Whether the remote's own history is cut off."""
        if not self.layout.is_shallow:
            return []
        return [f"{self.named}: is a shallow clone itself: history ends where it was cut off"]

    def close(self) -> None:
        """Ends git processes, those that talk to the remote included; safe to call twice."""
        self.commands.close()
        for talk in tuple(self._talks):
            talk.close()

    def _advertised(self) -> str:
        self._make_cache_dir()
        found = self._listed(self._wanted)
        if self._wanted not in found:
            heads = [name.removeprefix("refs/heads/") for name in sorted(self._listed("refs/heads/*"))]
            raise missing_branch(self.named, self._branch or "HEAD", heads)
        return found[self._wanted]

    def _listed(self, pattern: str) -> dict[str, str]:
        """What the remote advertises under `pattern`: object ids by the full name of the ref."""
        nowhere = self._cache_dir / ".no-repository"
        printed = self._talking(nowhere).run("ls-remote", "--quiet", _REMOTE, pattern)
        lines = (os.fsdecode(line).partition("\t") for line in printed.splitlines())
        return {name: object_id for object_id, _, name in lines if is_object_id(object_id)}

    def _update(self, tip: str) -> None:
        try:
            self._fetch(self.layout.git_dir)
        except SourceError as error:
            if not DAMAGE.search(str(error)):
                raise
            self._renew(tip, damaged=True)

    def _renew(self, tip: str, *, damaged: bool) -> None:
        """Makes a complete mirror beside the place where it belongs, then moves it there."""
        self._discard_abandoned()
        place = self.layout.git_dir
        fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=self._cache_dir))
        try:
            _make_bare(fresh, head=self._kept, sha256=len(tip) == _SHA256_DIGITS)
            self._fetch(fresh)
            if not damaged and self.last_head() is not None:
                return  # another process was quicker
            if place.exists():
                place.rename(fresh.with_name(f"{fresh.name}.old"))
            fresh.rename(place)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            _remove(fresh)
            _remove(fresh.with_name(f"{fresh.name}.old"))

    def _fetch(self, git_dir: Path) -> None:
        refspec = f"+{self._wanted}:{self._kept}"
        with self._talking(git_dir).stream(*_FETCH, refspec) as output:
            for _ in output.pieces():
                pass

    def _talking(self, git_dir: Path) -> Commands:
        """Git outside of any repository but the one at `git_dir`, with the remote's URL at hand."""
        talk = Commands(
            self._cache_dir,
            environment.for_remote(bare_layout(git_dir), self._remote),
            tally=self._tally,
            timeout=self._timeout,
            named=self.named,
            redact=self._remote.redact,
        )
        self._talks.add(talk)
        return talk

    def _make_cache_dir(self) -> None:
        try:
            make_directory(self._cache_dir)
        except OSError as error:
            raise self._unwritable(error) from error

    def _discard_abandoned(self) -> None:
        """Removes what a killed process left of a mirror it was making."""
        for leftover in self._cache_dir.glob(f".{self.layout.git_dir.name}-*"):
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime > _ABANDONED:
                    _remove(leftover)

    def _unwritable(self, error: OSError) -> SourceError:
        return SourceError(
            f"{self.named}: cannot be mirrored under {self._cache_dir}: {error.strerror}; "
            "make that folder writable, make room, or set state.dir to another one"
        )


def _remove(leftover: Path) -> None:
    if leftover.is_file():
        leftover.unlink()
    shutil.rmtree(leftover, ignore_errors=True)


def _make_bare(folder: Path, *, head: str, sha256: bool) -> None:
    """An empty bare repository without hooks: what `git init` makes, whatever templates and defaults say."""
    for name in ("objects", "refs"):
        (folder / name).mkdir()
    version, extension = (1, "[extensions]\n\tobjectFormat = sha256\n") if sha256 else (0, "")
    core = f"[core]\n\trepositoryFormatVersion = {version}\n\tbare = true\n"
    (folder / "config").write_text(core + extension, encoding="ascii")
    (folder / "HEAD").write_bytes(b"ref: " + os.fsencode(head) + b"\n")
