"""One ref of git's notes: lines that are added to commits, and shared with a remote.

Lines are a set: what is there already is not written again, and two writers are merged by putting both sets
together (`cat_sort_uniq`). So nothing is lost or doubled, whoever was first. The commits themselves need not
be here: a note names the commit that it belongs to by its path.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import SourceError
from reconciler.source import git_env, plumbing
from reconciler.source.bare_repository import NotesRepository
from reconciler.source.commands import FOUND_OR_NOT, Commands, GitError
from reconciler.source.git_files import bare_layout, is_object_id
from reconciler.source.plumbing import blocks, path_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from reconciler.remote import Remote

_AS_THEY_ARE = (("pack.compression", "0"), ("pack.window", "0"))
"""`git log` reads the note of every commit that it prints. The packs that are written and pushed here hold
notes as they are, neither deflated nor as deltas of what they were, and git takes them over like that when
it packs anew. A push by HTTP heeds no `--no-thin`, but it heeds the window in which deltas are sought."""
_TO_REMOTE = (*_AS_THEY_ARE, ("push.pushOption", ""))  # options that the user has are for other repositories
_AUTOMATIC = (("gc.auto", "1000"), ("gc.autoPackLimit", "20"), ("gc.autoDetach", "false"))
"""When `git gc --auto` packs; it does so in the foreground."""
_PACKING = 10  # times the timeout that packing may take
_LOCK_TIMEOUT = (("core.filesRefLockTimeout", "500"),)  # milliseconds; another writer is quicker than that
_NAME, _EMAIL = "model-reconciler", "model-reconciler@localhost"
_CONTAINED_OR_NOT = frozenset({0, 1, 128})
_THEIRS = "refs/fetched/notes"
_PUSHED = "refs/pushed/notes"
_ATTEMPTS = 5  # writes or pushes, each on top of what another writer wrote or pushed first
# With their progress, of which each line shows that the remote goes on: a large first push takes its time.
_FETCH = ("fetch", "--progress", "--no-tags", "--no-auto-maintenance", "--no-write-fetch-head")
_PUSH = ("push", "--progress", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no")


class NoNotesError(GitError):
    """The ref exists, but it names no commit, so it holds no notes."""


class Notes:
    """The notes of one ref; used from one thread at a time, and closed."""

    def __init__(
        self,
        commands: Commands,
        git_dir: Path,
        ref: str,
        talking: Commands | None = None,
        notes_repository: NotesRepository | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            commands: git where the notes are written.
            git_dir: that repository's.
            ref: begins with `refs/notes/`.
            talking: git with the remote `source`, to share them; None where they are not shared.
            notes_repository: one that holds notes alone; None where others write to it, too.
        """
        identity = {
            f"GIT_{role}_{kind}": value
            for role in ("AUTHOR", "COMMITTER")
            for kind, value in (("NAME", _NAME), ("EMAIL", _EMAIL))
        }
        self._commands = commands.configured((*_AS_THEY_ARE, *_LOCK_TIMEOUT), identity)
        self._git_dir = git_dir
        self._ref = ref
        self._talking = talking
        self._notes_repository = notes_repository

    @property
    def tip(self) -> str | None:
        """What was written last; None where nothing ever was."""
        return self._tip(self._ref)

    def contain(self, earlier: str) -> bool:
        """Whether the notes still contain all that they held when `earlier` was the tip."""
        tip = self._tip(self._ref)
        return tip is not None and (tip == earlier or self._contains(tip, earlier))

    def add(self, lines: Mapping[str, Collection[str]], at: datetime) -> bool:
        """Adds lines to the notes of these commits; False when all of them are there.

        Raises:
            SourceError: git could not write.
        """
        for _ in range(_ATTEMPTS):
            tip = self._tip(self._ref)
            try:
                return self._add(tip, lines, at)
            except GitError:
                if self._tip(self._ref) == tip:  # no other writer was quicker
                    raise
        raise SourceError(f"{self._ref}: others write faster than it can be added to; tried again later")

    def _add(self, tip: str | None, lines: Mapping[str, Collection[str]], at: datetime) -> bool:
        blobs_by_commit = {} if tip is None else self._listed(tip)
        texts = self._texts(blob for commit in lines for _, blob in blobs_by_commit.get(commit, ()))
        changes: list[tuple[str, str | None]] = []
        for commit, some in sorted(lines.items()):
            places = blobs_by_commit.get(commit, ())
            held = {line for _, blob in places for line in texts[blob].split("\n") if line}
            if not held.issuperset(some):
                path, *others = [path for path, _ in places] or [f"{commit[:2]}/{commit[2:]}"]
                changes.append((path, "".join(f"{line}\n" for line in sorted(held.union(some)))))
                changes += [(other, None) for other in others]
        if changes:
            self._write(tip, changes, at)
        return bool(changes)

    def read(self) -> Iterator[tuple[str, str]]:
        """Every commit that has a note, and its text. Raises SourceError."""
        tip = self._tip(self._ref)
        blobs_by_commit = {} if tip is None else self._listed(tip)
        texts = self._texts(blob for places in blobs_by_commit.values() for _, blob in places)
        for commit, places in blobs_by_commit.items():
            yield commit, "\n".join(texts[blob] for _, blob in places)

    def publish(self) -> None:
        """Pushes what was not pushed yet; what another writer pushed first is merged, and nothing of it lost.

        Raises:
            SourceError: the remote cannot be reached, or does not take it.
        """
        for _ in range(_ATTEMPTS):
            tip = self._tip(self._ref)
            if self._talking is None or tip is None or tip == self._tip(_PUSHED):
                return
            try:
                self._talking.carry_out(*_PUSH, "source", f"{tip}:{self._ref}")
            except GitError:
                if not self.fetch():  # nobody was first: it is refused for another reason
                    raise
            else:
                self._commands.run("update-ref", _PUSHED, tip)
        raise SourceError(f"{self._ref}: others push faster than it can be merged; tried again later")

    def fetch(self) -> bool:
        """Takes over what the remote has; False when that is nothing new.

        Raises:
            SourceError: the remote cannot be reached, or what it has cannot be merged.
        """
        if self._talking is None or self._ref.encode() not in self._talking.run(
            "ls-remote", "--quiet", "source", self._ref
        ):
            return False
        self._talking.carry_out(*_FETCH, "source", f"+{self._ref}:{_THEIRS}")
        theirs = self._fetched()
        ours = self._tip(self._ref)
        if ours is None:
            self._commands.run("update-ref", self._ref, theirs)
        elif self._contains(ours, theirs):
            return False
        else:
            merge = ("merge", "--quiet", "--strategy=cat_sort_uniq", _THEIRS)
            self._commands.run("notes", f"--ref={self._ref}", *merge)
        return True

    def recover(self) -> str | None:
        """Prepares a repository of notes alone to be written; says where an unusable one was moved.

        What a killed git left would stop every later write.

        Raises:
            SourceError: there is nowhere to write.
        """
        return None if self._notes_repository is None else self._notes_repository.prepare()

    def replace_damaged(self, error: SourceError) -> str | None:
        """Begins a repository of notes alone anew if git failed for its damage; says where it was moved.

        All notes have to be written again. None where it is sound, or where others write to it, too.

        Raises:
            SourceError: there is nowhere to begin.
        """
        if self._notes_repository is None:
            return None
        is_certain = isinstance(error, NoNotesError)  # git itself finds no fault with such a ref
        return (
            self._notes_repository.begin_anew()
            if is_certain
            else self._notes_repository.replace_damaged(error)
        )

    def tidy(self) -> None:
        """Packs a repository of notes alone, where that is due. Raises SourceError."""
        if self._notes_repository is not None:
            self._notes_repository.pack()

    def close(self) -> None:
        """Ends what still runs; safe to call twice."""
        self._commands.close()
        if self._talking is not None:
            self._talking.close()
        if self._notes_repository is not None:
            self._notes_repository.close()

    def _tip(self, ref: str) -> str | None:
        """The commit that a ref names; None where there is no such ref. Raises SourceError."""
        id_of = partial(self._commands.text, "rev-parse", "--verify", "--quiet", accept=FOUND_OR_NOT)
        commit = id_of(f"{ref}^{{commit}}")
        there = "" if commit else id_of(ref)
        if there:  # by its id: another writer may have made the ref since it was first asked about
            commit = id_of(f"{there}^{{commit}}")
        if there and not commit:
            words = f"a {self._commands.text('cat-file', '-t', ref)} and no commit of notes"
            remedy = f"remove it with `git update-ref -d {ref}`, and all is written again"
            raise NoNotesError(f"{self._git_dir}: {ref} is {words}; {remedy}", words)
        return commit or None

    def _fetched(self) -> str:
        """The commit that the remote has; raises SourceError where it has another thing there."""
        try:
            return str(self._tip(_THEIRS))
        except NoNotesError as error:
            remedy = f"remove it with `git push URL :{self._ref}`, and all is pushed again"
            raise SourceError(f"audit.push_url: {self._ref} there is {error.stderr}; {remedy}") from error

    def _contains(self, commit: str, earlier: str) -> bool:
        """Whether a commit of these notes is an earlier one's successor; not where that is not there."""
        asked = ("merge-base", "--is-ancestor", earlier, commit)
        with self._commands.stream(*asked, accept=_CONTAINED_OR_NOT) as output:
            output.drain()
            return output.exit_status() == 0

    def _listed(self, tip: str) -> dict[str, list[tuple[str, str]]]:
        """The notes by commit: path and object id; one commit may have several where tools disagreed."""
        by_commit: dict[str, list[tuple[str, str]]] = {}
        with self._commands.stream("ls-tree", "-r", "-z", "--full-tree", tip) as output:
            for block in blocks(output.pieces()):
                for entry in filter(None, block.split("\0")):
                    facts, _, path = entry.partition("\t")
                    commit, (_, kind, blob) = path.replace("/", ""), facts.split()
                    if kind == "blob" and is_object_id(commit):
                        by_commit.setdefault(commit, []).append((path, blob))
        return by_commit

    def _texts(self, blobs: Iterable[str]) -> dict[str, str]:
        ids = tuple(dict.fromkeys(blobs))
        texts: dict[str, str] = {}
        for blob, content in plumbing.contents(self._commands, ids) if ids else ():
            if content is None:
                words = f"missing blob {blob}"
                raise GitError(f"{self._ref}: {words}, which is a note; run `git fsck`", words)
            texts[blob] = path_of(content)
        return texts

    def _write(self, tip: str | None, changes: Iterable[tuple[str, str | None]], at: datetime) -> None:
        """One commit of the ref, as `git fast-import` takes it: whole or not at all, on top of `tip`."""
        message = b"What became of what these commits declare\n"
        head = f"commit {self._ref}\ncommitter {_NAME} <{_EMAIL}> {int(at.timestamp())} +0000\n"
        parts = [b"feature done\n", head.encode(), b"data %d\n%s" % (len(message), message)]
        parts += [f"from {tip}\n".encode()] if tip else []
        for path, text in changes:
            if text is None:
                parts.append(f"D {path}\n".encode())
            else:
                content = text.encode("utf-8", "surrogateescape")
                parts.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
        parts.append(b"done\n")
        self._import(b"".join(parts))

    def _import(self, commands: bytes) -> None:
        """Runs `git fast-import` with these commands; removes the crash report of one that failed."""
        process = 0
        try:
            with self._commands.stream("fast-import", "--quiet", "--depth=0", feed=commands) as output:
                process = output.pid
                output.drain()
        except SourceError:
            with suppress(OSError):
                (self._git_dir / f"fast_import_crash_{process}").unlink()
            raise


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
    variables = git_env.for_mirror(layout)
    git_there = partial(Commands, layout.git_dir, redact=remote.redact)
    writing = git_there(variables, timeout=timeout)
    packed = git_env.configuration((*_AS_THEY_ARE, *_AUTOMATIC))
    packing = git_there(variables | packed, timeout=timeout * _PACKING)
    pushed = git_env.for_remote(layout, remote, _TO_REMOTE)
    talking = git_there(pushed, timeout=timeout, named=remote.shown)
    return Notes(writing, layout.git_dir, ref, talking, NotesRepository(layout.git_dir, packing, sha256))
