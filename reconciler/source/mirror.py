"""A repository behind a URL, mirrored bare: one branch, no work tree, asked with `ls-remote` first.

A mirror appears whole, by a rename, or not at all. It is a cache: one that shows any sign of damage is
replaced by a new one, which takes its place only once it is complete; again only after a while, so that a
cause which lies elsewhere does not make it cloned over and over. One process at a time writes.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from reconciler.backoff import Backoff
from reconciler.errors import SourceError
from reconciler.printable import printable
from reconciler.private import make_directory
from reconciler.redaction import remember
from reconciler.source import git_env
from reconciler.source.backend import Backend
from reconciler.source.bare_repository import (
    discard_abandoned,
    discard_leftovers,
    is_whole,
    locked,
    make_bare,
    number_in,
    remove,
    time_of,
)
from reconciler.source.commands import Commands, GitError
from reconciler.source.errors import is_damage
from reconciler.source.git_files import bare_layout, branch_ref, is_object_id, missing_branch, read_ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.remote import Remote

_REMOTE = "source"  # its URL stands in the environment of the commands that need it
_OWN_REF = "refs/heads/remote-head"  # where the remote's HEAD is kept when no branch is named
_PACKED = "packed-by-reconciler"  # the file in a mirror whose time tells when it was packed
_PACK_AGAIN = 24 * 3600.0  # seconds
_PACKING = 10  # times the timeout that packing may take
_REPLACED = "replaced-by-reconciler"  # the file in a mirror that tells how often it was replaced, and when
_LONGEST_WAIT = 3600.0  # seconds between two replacements, and after which they are forgotten
_REPLACE_BACKOFF = Backoff(60.0, _LONGEST_WAIT)
_GC = ("gc", "--quiet", "--force", "--prune=2.weeks.ago")
_SHA256_DIGITS = 64
_FETCH = (
    *("fetch", "--progress", "--no-tags", "--prune", "--force", "--update-shallow"),
    *("--no-auto-maintenance", "--no-write-fetch-head", "--no-recurse-submodules"),
)


class Mirror(Backend):
    """One branch of a remote repository, and its bare copy on this machine."""

    way_out = "the remote itself has no more"

    def __init__(
        self,
        remote: Remote,
        branch: str | None,
        cache_dir: Path,
        *,
        timeout: float,
        heap: int | None = None,
    ) -> None:
        """Nothing is read or written yet.

        Without a branch, the remote's HEAD is followed. `cache_dir` holds the mirrors, and is made when first
        needed. Timeout and heap are those of `Commands`; a git that fetches or packs has no heap.
        """
        self._remote = remote
        self._branch = branch
        self._remote_ref = "HEAD" if branch is None else branch_ref(branch)
        self._own_ref = _OWN_REF if branch is None else self._remote_ref
        self._cache_dir = cache_dir.absolute()
        self._timeout = timeout
        self.named = remote.shown
        self.layout = bare_layout(self._cache_dir / f"{remote.digest(branch)}.git")
        self._failed_at = 0.0
        for secret in remote.secrets:
            remember(secret)
        self._talks: WeakSet[Commands] = WeakSet()
        self.commands = Commands(
            self.layout.git_dir,
            git_env.for_mirror(self.layout),
            timeout=timeout,
            named=self.named,
            redact=remote.redact,
            heap=heap,
        )

    def head(self) -> str:
        """The commit the remote branch has now, fetched if it is new.

        Raises:
            SourceError: the remote cannot be reached, has no such branch, or cannot be mirrored.
        """
        tip = self._advertised()
        if self.last_head() != tip:
            with self._alone():
                discard_leftovers(self.layout.git_dir)
                last = self.last_head()  # another process may have been quicker
                if last is None and not self.layout.git_dir.exists():
                    self._renew(tip, replaced=0)
                elif last is None:  # none that could be used
                    self._replace(tip)
                elif last != tip:
                    self._update(tip)
        return self.last_head() or tip

    def last_head(self) -> str | None:
        """The commit fetched last, by this process or an earlier one; None of a mirror that is damaged."""
        try:
            return read_ref(self.layout, self._own_ref) if is_whole(self.layout.git_dir) else None
        except SourceError:
            return None

    def replace(self) -> bool:
        """Whether the mirror, in which something could not be read, was replaced by a new one."""
        try:
            tip = self._advertised()
            with self._alone():
                self._replace(tip)
        except SourceError:
            return False
        return True

    def tidy(self) -> None:
        """Packs what many fetches left, at most once a day; until it is due again, this starts nothing.

        Raises:
            SourceError: git failed, or took too long.
        """
        place = self.layout.git_dir
        packed = max(time_of(place / _PACKED), time_of(place / "HEAD"))
        if not packed or time.time() - packed < _PACK_AGAIN:
            return
        with self._alone():
            discard_leftovers(self.layout.git_dir)
            (place / _PACKED).touch()  # first, so that what fails is not tried again at once
            reading, longest = git_env.for_mirror(self.layout), self._timeout * _PACKING
            packing = Commands(place, reading, timeout=longest, named=self.named)
            self._talks.add(packing)
            packing.run(*_GC)

    def notes(self, paths: Sequence[str]) -> list[str]:  # noqa: ARG002 - a bare copy has no work tree
        """Whether the remote's own history is cut off."""
        return self.cut_off()

    def followed(self) -> str:
        """What is followed, in words."""
        what = "its HEAD" if self._branch is None else f"branch {printable(self._branch)}"
        return f"{what}, mirrored in {self.layout.git_dir}"

    def close(self) -> None:
        """Ends git processes, those that talk to the remote included; safe to call twice."""
        super().close()
        for talk in tuple(self._talks):
            talk.close()

    def _advertised(self) -> str:
        self._make_cache_dir()
        refs = self._listed(self._remote_ref)
        if self._remote_ref not in refs:
            heads = [name.removeprefix("refs/heads/") for name in sorted(self._listed("refs/heads/*"))]
            raise missing_branch(self.named, self._branch or "HEAD", heads)
        return refs[self._remote_ref]

    def _listed(self, pattern: str) -> dict[str, str]:
        """What the remote advertises under `pattern`: object ids by the full name of the ref."""
        nowhere = self._cache_dir / ".no-repository"
        printed = self._talking(nowhere).run("ls-remote", "--quiet", _REMOTE, pattern)
        lines = (os.fsdecode(line).partition("\t") for line in printed.splitlines())
        return {name: object_id for object_id, _, name in lines if is_object_id(object_id)}

    def _update(self, tip: str) -> None:
        try:
            self._fetch(self.layout.git_dir)
        except GitError as error:
            if not is_damage(error.stderr):
                raise
            self._replace(tip)

    def _replace(self, tip: str) -> None:
        """Throws a damaged mirror away for a new one, if this was not done just now."""
        place = self.layout.git_dir / _REPLACED
        often, when = number_in(place), max(time_of(place), self._failed_at)
        wait = _REPLACE_BACKOFF.seconds(often) if when else 0.0
        age = time.time() - when
        if 0 <= age < wait:
            raise SourceError(
                f"{self.named}: its mirror {self.layout.git_dir} is damaged, and was replaced {age:.0f} s "
                f"ago; it is replaced again after {wait:.0f} s. Check the disk that state.dir is on"
            )
        try:
            self._renew(tip, replaced=1 if age > _LONGEST_WAIT else often + 1)
        except SourceError:
            self._failed_at = time.time()
            raise

    def _renew(self, tip: str, *, replaced: int) -> None:
        """Makes a complete mirror beside the place where it belongs, then moves it there."""
        place = self.layout.git_dir
        discard_abandoned(self._cache_dir, f".{place.name}-*")
        fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=self._cache_dir))
        try:
            make_bare(fresh, head=self._own_ref, sha256=len(tip) == _SHA256_DIGITS)
            self._fetch(fresh)
            if replaced:
                (fresh / _REPLACED).write_text(str(replaced), "ascii")
            if place.exists():
                place.rename(fresh.with_name(f"{fresh.name}.old"))
            fresh.rename(place)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            remove(fresh)
            remove(fresh.with_name(f"{fresh.name}.old"))

    def _fetch(self, git_dir: Path) -> None:
        deepen = ("--unshallow",) if bare_layout(git_dir).is_shallow else ()
        refspec = f"+{self._remote_ref}:{self._own_ref}"
        self._talking(git_dir).carry_out(*_FETCH, *deepen, _REMOTE, refspec)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps every other process of this program from writing here."""
        self._make_cache_dir()
        with locked(self._cache_dir, self._timeout) as alone:
            if not alone:
                message = f"{self.named}: another process is fetching into {self._cache_dir}; try again"
                raise SourceError(message)
            yield

    def _talking(self, git_dir: Path) -> Commands:
        """Git outside of any repository but the one at `git_dir`, with the remote's URL at hand."""
        talk = Commands(
            self._cache_dir,
            git_env.for_remote(bare_layout(git_dir), self._remote),
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

    def _unwritable(self, error: OSError) -> SourceError:
        return SourceError(
            f"{self.named}: cannot be mirrored under {self._cache_dir}: {error.strerror}; "
            "make that folder writable, make room, or set state.dir to another one"
        )
