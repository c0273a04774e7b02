"""Starts git for one repository, through GitPython, and turns its failures into `SourceError`.

Argument lists are fixed by the callers in this room. What a user wrote reaches git as an object id that was
checked, behind `--end-of-options` or `--`, or as configuration in the environment: never where an option
could stand. GitPython, and whatever else it takes to start a process, is imported when the first command is
started: to see that there is no new commit takes none.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, ClassVar, TypeVar

from reconciler.errors import BudgetError, SourceError
from reconciler.printable import printable
from reconciler.source.git_env import configuration, not_passed_on
from reconciler.source.plumbing import bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import ModuleType

    import git

    from reconciler.source.process import GitProcess

T = TypeVar("T")

_MOST = 64 * 1024 * 1024  # bytes of one answer that is taken whole
_LONGEST = 30  # times the timeout that git may take altogether, if it goes on saying something
OLDEST_GIT = (2, 31)  # GIT_CONFIG_COUNT, without which a repository's configuration could start programs
_BROKE_DOWN = frozenset({-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT})
_NO_MEMORY = "out of memory"
FOUND_OR_NOT = frozenset({0, 1})
"""Exit statuses of a command that may find nothing."""
_DONE_OR_REFUSED = frozenset({0, 128})
_IN_BULK = {"GIT_FLUSH": "0"}
_NO_GIT = {"GIT_PYTHON_REFRESH": "quiet", "GIT_PYTHON_GIT_EXECUTABLE": os.devnull}
"""GitPython's variables, with which its import looks for git in vain and says nothing."""
_LOADING = threading.Lock()
_INSTALL = f"install git {OLDEST_GIT[0]}.{OLDEST_GIT[1]} or later and put it on PATH"


class GitError(SourceError):
    """Git ended with a failure.

    Attributes:
        stderr: what it wrote to its standard error, without secrets.
        status: how it ended, as of `subprocess`; 0 where it was not started.
    """

    def __init__(self, message: str, stderr: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.stderr = stderr
        self.status = status


class Commands:
    """The git processes of one folder. No shell, no terminal, no prompt; always reaped.

    Attributes:
        started: how many this process has started, of all folders; without the check of git's version.
    """

    started: ClassVar[int] = 0

    def __init__(  # noqa: PLR0913 - how one folder is talked to
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        timeout: float,
        named: str | None = None,
        redact: Callable[[str], str] = str,
        heap: int | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            folder: where git runs.
            environment: variables on top of this process's own.
            timeout: seconds that git may stay silent, or take altogether where nothing is streamed; a stream
                that goes on may take thirty times as long.
            named: the repository in messages; by default the folder.
            redact: takes secrets out of git's words.
            heap: bytes that each process may allocate; None for any number.
        """
        self._heap = heap
        self._folder = folder
        self._environment = dict(environment)
        self._timeout = timeout
        self._named = named or printable(str(folder))
        self._redact = redact
        self._running: set[GitProcess] = set()
        self._closed = False

    def configured(self, entries: Iterable[tuple[str, str]], variables: Mapping[str, str]) -> Commands:
        """The same, with configuration that outranks every file's, and with variables; closed by itself."""
        return Commands(
            self._folder,
            self._environment | dict(variables) | configuration(entries),
            timeout=self._timeout,
            named=self._named,
            redact=self._redact,
            heap=self._heap,
        )

    def run(self, *arguments: str, accept: frozenset[int] = frozenset({0})) -> bytes:
        """All that one command prints.

        Raises:
            SourceError: git failed with a status not in `accept`, did not end in time, or says very much.
        """
        excess = f"{self._named}: git {arguments[0]} says more than {_MOST:,} bytes, and was ended"
        with self.stream(*arguments, accept=accept, total=True) as output:
            return b"".join(bounded(output.pieces(), _MOST, excess))

    def text(self, *arguments: str, accept: frozenset[int] = frozenset({0})) -> str:
        """The same as text, without what is blank around it."""
        return self.run(*arguments, accept=accept).decode(errors="replace").strip()

    def attempt(self, *arguments: str, read: Callable[[Iterator[bytes]], T]) -> T | None:
        """What one command prints, or None when git refuses it, as for an object that is not there.

        `read` makes the answer of the pieces that git prints; it takes all of them, or raises.

        Raises:
            BudgetError: git broke down under what it read.
            SourceError: git failed otherwise, or was silent for too long.
        """
        with self.stream(*arguments, accept=_DONE_OR_REFUSED) as output:
            answer = read(output.pieces())
            return None if output.exit_status() else answer

    def carry_out(self, *arguments: str) -> None:
        """Runs one command for as long as it goes on saying something. Raises SourceError."""
        with self.stream(*arguments) as output:
            output.drain()

    @contextmanager
    def stream(
        self,
        *arguments: str,
        feed: bytes = b"",
        accept: frozenset[int] | None = frozenset({0}),
        total: bool = False,
        in_bulk: bool = False,
    ) -> Iterator[GitProcess]:
        """What one command prints while it runs. A reader that stops early ends the command.

        Args:
            arguments: of git.
            feed: what git reads from its standard input.
            accept: the exit statuses that are no failure; None where the reader asks `require_success`.
            total: whether the timeout is for all of it, and not for each silence.
            in_bulk: whether a log may come in large pieces, so that its first lines are later; for a log that
                is read to its end this takes far less than a write and a read a commit.

        Raises:
            SourceError: git failed, or was silent for too long.
        """
        from reconciler.source.process import GitProcess, GitTimeoutError  # noqa: PLC0415 - not for `head`

        handle = self._start(arguments, fed=bool(feed), in_bulk=in_bulk)
        longest = self._timeout * (1 if total else _LONGEST)
        process = GitProcess(handle, feed, idle_timeout=self._timeout, longest=longest)
        self._running.add(process)
        try:
            yield process
            if accept is not None:
                self.require_success(process, accept)
        except GitTimeoutError as error:
            raise SourceError(
                f"{self._named}: git {arguments[0]} {error} and was ended; "
                "it is tried again, and source.timeout gives it longer"
            ) from error
        finally:
            self._running.discard(process)
            process.end()

    def require_success(self, process: GitProcess, accept: frozenset[int] = frozenset({0})) -> None:
        """Raises what git complained about, in words for a person, if its output has ended and it failed.

        Raises:
            BudgetError: it broke down under what it read.
            GitError: it failed otherwise.
        """
        if not process.at_end or (status := process.exit_status()) in accept:
            return
        from reconciler.source.errors import explain  # noqa: PLC0415 - for failures only

        stderr = self._redact(process.stderr())
        if status in _BROKE_DOWN or (self._heap is not None and _NO_MEMORY in stderr.lower()):
            raise BudgetError(
                f"{self._named}: git broke down while it read: a commit is too large or its folders too "
                "deep; take it out of the branch, or raise limits.git_memory"
            )
        raise GitError(f"{self._named}: {explain(stderr, str(self._folder))}", stderr, status)

    def close(self) -> None:
        """Ends what still runs; safe to call twice."""
        self._closed = True
        for process in tuple(self._running):
            process.end()
        self._running.clear()

    def _start(self, arguments: tuple[str, ...], *, fed: bool, in_bulk: bool) -> git.Git.AutoInterrupt:
        from subprocess import PIPE  # noqa: PLC0415 - not for `head`

        gitpython = load_gitpython()
        if self._closed:
            raise SourceError(f"{self._named}: was closed already")
        if not os.access(self._folder, os.X_OK):
            raise GitError(f"{self._named}: cannot be entered; check that it exists and its permissions")
        try:
            wrapper: git.Git = gitpython.Git(self._folder)
            program = wrapper.GIT_PYTHON_GIT_EXECUTABLE or "git"
            # the folder is said to git itself: GitPython expands `$NAME` and `~`, and may end up elsewhere
            handle = wrapper.execute(
                [*self._without(), program, "--no-pager", "-C", str(self._folder), *arguments],
                istream=PIPE if fed else None,
                as_process=True,
                env=self._environment | (_IN_BULK if in_bulk else {}),
                shell=False,
                start_new_session=True,
            )
        except (gitpython.GitError, OSError, ValueError) as error:
            raise SourceError(
                f"{self._named}: git could not be started here ({printable(type(error).__name__)}); "
                "check that git is installed and that this is still a git repository"
            ) from error
        Commands.started += 1
        if self._heap is not None and handle.proc is not None:
            _bound_memory(handle.proc.pid, self._heap)
        return handle

    def _without(self) -> list[str]:
        """What to start git through where variables have to go: GitPython can only add and replace some."""
        gone = not_passed_on(self._environment)
        return ["env", *(part for name in gone for part in ("-u", name))] if gone else []


def _bound_memory(process: int, heap: int) -> None:
    """Lets a process allocate so many bytes; on a system without such limits, any number.

    A difference is sorted in memory before its first line is printed, so that stopping to read is too late.
    """
    import resource  # noqa: PLC0415 - where git is started

    with suppress(AttributeError, OSError, ValueError):  # ValueError: above the limit of this process
        resource.prlimit(process, resource.RLIMIT_DATA, (heap, heap))


def _imported() -> ModuleType:
    """GitPython, which runs `git version` twice when it is imported, unless it finds no git.

    Two processes of every command that reads git: `load_gitpython` asks for the version itself.
    """
    kept = {name: os.environ.get(name) for name in _NO_GIT}
    os.environ.update(_NO_GIT)
    try:
        import git  # noqa: PLC0415 - costs a quarter of a second
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    git.Git.GIT_PYTHON_GIT_EXECUTABLE = kept["GIT_PYTHON_GIT_EXECUTABLE"] or "git"
    return git


def load_gitpython() -> ModuleType:
    """GitPython, once git itself is found to be there and recent enough.

    Raises:
        SourceError: git is not installed, or too old.
    """
    with _LOADING:  # of two threads that begin with it, the second would take over the variables of the first
        return _loaded()


@cache
def _loaded() -> ModuleType:
    try:
        git = _imported()
    except ImportError as error:
        raise SourceError(
            f"git: GitPython cannot be loaded ({printable(str(error))}); install it anew"
        ) from error
    try:
        version = git.Git().version_info
    except (git.GitError, OSError, ValueError, IndexError) as error:
        if isinstance(error, git.GitCommandError):
            from reconciler.source.errors import explain  # noqa: PLC0415 - for failures only

            # GitPython puts it in quotes
            stderr = str(error.stderr).strip().removeprefix("stderr: '").removesuffix("'")
            raise SourceError(f"git: {explain(stderr, '')}") from error
        raise SourceError(f"git: not found, or it does not start; {_INSTALL}") from error
    if version < OLDEST_GIT:
        installed = ".".join(map(str, version))
        raise SourceError(f"git: version {installed} is too old; {_INSTALL}")
    return git
