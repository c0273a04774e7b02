"""Committed content of one branch: the `Source` port."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from reconciler.engine.values import Attribution, File, Snapshot, Touch
from reconciler.errors import SourceError
from reconciler.source import log, tree
from reconciler.source.address import parse_remote
from reconciler.source.commands import Tally
from reconciler.source.layout import discover
from reconciler.source.local import LocalRepository
from reconciler.source.mirror import Mirror
from reconciler.source.refs import is_object_id
from reconciler.source.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from reconciler.source.origin import Origin

_READ_AHEAD = 256 * 1024  # bytes
_RESOLVED_OR_NOT = frozenset({0, 1})
_RELATED_OR_NOT = frozenset({0, 1, 128})  # 1: nothing in common; 128: no such commit


def open_source(  # noqa: PLR0913 - what a configuration says about its source
    repo: str,
    *,
    branch: str | None,
    cache_dir: Path,
    base: Path,
    timeout: float = 60.0,
    paths: Sequence[str] = (),
) -> GitSource:
    """The committed content of one branch of a repository. Starts nothing and contacts nobody yet.

    Args:
        repo: a folder, relative to `base`: a work tree, any folder inside one, or a bare repository; or a URL
            (`file://`, `ssh://`, `https://`, `user@host:path`, and `http://` to a loopback address).
        branch: the branch to follow; None for the repository's HEAD.
        cache_dir: holds the bare mirrors of URLs.
        base: what a relative folder starts from.
        timeout: seconds that git may stay silent before it is ended.
        paths: folders inside the repository that are reconciled; `notes` counts changes in these only.

    Raises:
        SourceError: no repository is there, or its URL is refused.
    """
    tally = Tally()
    remote = parse_remote(repo)
    if remote is not None:
        mirror = Mirror(remote, branch, cache_dir, timeout=timeout, tally=tally)
        return GitSource(mirror, tally=tally, paths=paths)
    local = LocalRepository(discover(base / repo), branch, timeout=timeout, tally=tally)
    return GitSource(local, tally=tally, paths=paths)


class GitSource:
    """Committed content of one branch; implements `reconciler.engine.ports.Source`.

    Nothing is read from a work tree and nothing is checked out: files are read by blob id from the object
    store, so that what a commit id names is what is seen, whatever happens meanwhile. Each method starts git
    processes of its own and ends them, so that one may be used while another's result is still being read.
    """

    def __init__(self, origin: Origin, *, tally: Tally, paths: Sequence[str] = ()) -> None:
        self._origin = origin
        self._tally = tally
        self._paths = tuple(tree.inside(path) for path in paths)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def commands(self) -> int:
        """How many git processes were started so far."""
        return self._tally.started

    def head(self) -> str:
        """The commit id that the branch has now.

        Local: reads a file or two. Remote: one `ls-remote`, and a fetch when the answer is new.

        Raises:
            SourceError: no such branch, no commit, or a remote that cannot be reached (see `last_head`).
        """
        return self._origin.head()

    def last_head(self) -> str | None:
        """The last commit that `head` could give, for going on while a remote is away.

        A mirror remembers it from process to process; None when there is none.
        """
        return self._origin.last_head()

    def resolve(self, revision: str) -> str:
        """The commit id of any revision that exists here.

        Raises:
            SourceError: no commit goes by that name.
        """
        commit = ""
        if revision and "\0" not in revision:
            arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            printed = self._origin.commands.run(*arguments, accept=_RESOLVED_OR_NOT)
            commit = printed.decode(errors="replace").strip()
        if not is_object_id(commit):
            raise SourceError(
                f"{self._origin.named}: no commit is called '{printable(revision)}'; give a commit id, a "
                "branch or a tag that this repository has"
            )
        return commit

    def contains(self, commit: str, earlier: str) -> bool:
        """Whether `earlier` is `commit` or one of its ancestors; False also when it is not there any more.

        Raises:
            SourceError: one of them is no whole commit id.
        """
        arguments = ("merge-base", self._known(commit), self._known(earlier))
        printed = self._origin.commands.run(*arguments, accept=_RELATED_OR_NOT)
        return printed.decode(errors="replace").strip() == earlier

    def snapshot(self, commit: str, path: str) -> Snapshot:
        """All files below `path` at `commit`; `exists` is False when that is no directory.

        Raises:
            SourceError: the commit is not there, or git failed.
        """
        path = tree.inside(path)
        found = self._files(commit, path)
        exists = not any(file.path == path for file in found) and bool(found or not path)
        return Snapshot(self._known(commit), path, tuple(found) if exists else (), exists=exists)

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of each blob, streamed in the order asked, by one `git cat-file --batch`.

        Raises:
            SourceError: a blob is missing or damaged, or git failed.
        """
        wanted = tuple(blobs)
        for blob in wanted:
            if not is_object_id(blob):
                raise SourceError(f"{self._origin.named}: '{printable(blob)}' is not an object id")
        if wanted:
            yield from self._contents(wanted)

    def attribute(
        self, commit: str, paths: Collection[str], since: str | None = None
    ) -> Mapping[str, Attribution]:
        """For each path, the newest commit reachable from `commit` that gave it the content it has there.

        Two processes whatever the number of paths; the log is read only as far back as needed, and
        with `since` not beyond that commit. A path to which none of these commits gave its content is left
        out.

        Raises:
            SourceError: the commit is not there, or git failed.
        """
        wanted = frozenset(paths)
        if not wanted:
            return {}
        root = _common_folder(wanted)
        held = {file.path: file.blob for file in self._files(commit, root)}
        expected = {path: held.get(path, "0" * len(commit)) for path in wanted}
        commits = (commit,) if since is None else (commit, f"^{self._known(since)}")
        with self._origin.commands.stream(*log.WITHOUT_RENAMES, *commits, *tree.pathspec(root)) as output:
            return log.attribute(log.changes(output.pieces()), expected)

    def history(self, commit: str, root: str) -> Sequence[Touch]:
        """Every commit that touched a file below `root`, newest first, renames inside `root` followed.

        Raises:
            SourceError: the commit is not there, or git failed.
        """
        root = tree.inside(root)
        tip = frozenset(file.path for file in self._files(commit, root))
        with self._origin.commands.stream(*log.WITH_RENAMES, commit, *tree.pathspec(root)) as output:
            return log.touches(log.changes(output.pieces()), tip)

    def notes(self) -> Sequence[str]:
        """Facts a person should know: uncommitted changes, a detached HEAD, a shallow clone."""
        return self._origin.notes(self._paths)

    def watch_paths(self) -> tuple[Path, ...]:
        """Folders in which something changes when a local branch moves; none for a remote.

        To be watched without what lies below them; the set may change with each change seen.
        """
        return self._origin.watch_paths()

    def close(self) -> None:
        """Ends what still runs; safe to call twice."""
        self._origin.close()

    def _known(self, commit: str) -> str:
        """`commit`, once it is certain that it cannot be taken for an option."""
        if not is_object_id(commit):
            raise SourceError(f"{self._origin.named}: '{printable(commit)}' is not a whole commit id")
        return commit

    def _files(self, commit: str, path: str) -> list[File]:
        arguments = (*tree.ARGUMENTS, self._known(commit), *tree.pathspec(path))
        with self._origin.commands.stream(*arguments) as output:
            return sorted(tree.files(output), key=lambda file: file.path)

    def _contents(self, wanted: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        feed = "".join(f"{blob}\n" for blob in wanted).encode("ascii")
        with self._origin.commands.stream("cat-file", "--batch", "--buffer", feed=feed) as output:
            reader = io.BufferedReader(output, _READ_AHEAD)
            for blob in wanted:
                content = tree.content(reader)
                if content is None:
                    self._origin.commands.require_success(output)
                    raise SourceError(
                        f"{self._origin.named}: object {blob} is missing, or no file's content; "
                        "run `git fsck` there, or clone it anew"
                    )
                yield blob, content
            reader.read(1)


def _common_folder(paths: Collection[str]) -> str:
    """The deepest folder that holds all of `paths`; the path itself when there is one."""
    first, last = min(paths).split("/"), max(paths).split("/")
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return "/".join(first[:shared])
