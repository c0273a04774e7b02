"""One running git: its three pipes are served by one loop, and it is always ended.

`GitProcess` is the readable stream of what git prints. While it is read, input is fed and errors are
collected, so that no pipe can fill up and stop the others, without a thread. git runs in a session of its
own: it has no terminal to ask at, and is ended together with what it started.
"""

from __future__ import annotations

import contextlib
import io
import os
import selectors
import signal
import subprocess
import time
from typing import IO, TYPE_CHECKING

from reconciler.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import git

_GRACE = 1.0  # seconds between asking git to end and killing it
_STRAGGLER = 0.2  # seconds to wait for errors of a program that outlives git
_KEPT = 16 * 1024  # bytes of git's errors kept, the newest
_PIECE = 64 * 1024


class GitTimeoutError(Exception):
    """Git said nothing for longer than it was given, or took longer altogether; the text says which."""


class GitProcess(io.RawIOBase):
    """What one git process prints, as a stream.

    Attributes:
        idle_timeout: seconds git may let a reader wait; the time the reader itself takes is not counted.
        longest: seconds it may let a reader wait in all, however much it says.
    """

    def __init__(
        self, handle: git.Git.AutoInterrupt, feed: bytes, *, idle_timeout: float, longest: float
    ) -> None:
        super().__init__()
        self._handle = handle  # ends git when it is garbage, so it is kept as long as this
        if handle.proc is None:
            raise SourceError("git: was ended before it could say anything; try again")
        process = self._process = handle.proc
        self._pending = memoryview(feed)
        self._stderr_bytes = b""
        self._ended = False
        self._given_up = False
        self.idle_timeout = idle_timeout
        self.longest = longest
        self._waited = 0.0
        self._selector = selectors.DefaultSelector()
        self._stdout = self._watch(process.stdout, selectors.EVENT_READ)
        self._stderr = self._watch(process.stderr, selectors.EVENT_READ)
        self._stdin = self._watch(process.stdin, selectors.EVENT_WRITE)

    def readable(self) -> bool:
        """A stream for reading."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fills `buffer` with what git printed next; 0 at the end.

        Raises:
            GitTimeoutError: git took too long.
            SourceError: this was closed, together with its repository, before the end.
        """
        if self._given_up:
            raise SourceError("git: its output was closed before it was read to the end")
        begun = time.monotonic()
        while not self._ended:
            count = self._received(buffer)
            if count is None:
                self._serve(begun)
                self._waited += time.monotonic() - begun
                begun = time.monotonic()
            elif count:
                return count
            else:
                self._ended = True
                self._selector.unregister(self._stdout)
        return 0

    def pieces(self) -> Iterator[bytes]:
        """The rest of the output, in pieces of any size."""
        buffer = bytearray(_PIECE)
        view = memoryview(buffer)
        while count := self.readinto(view):
            yield bytes(view[:count])

    def drain(self) -> None:
        """Reads the rest of the output and drops it."""
        for _ in self.pieces():
            pass

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def at_end(self) -> bool:
        """Whether the output was read to its end."""
        return self._ended

    def exit_status(self) -> int:
        """Waits for git to end, after its output was read to the end."""
        begun = time.monotonic()
        while self._selector.get_map():
            ended = self._process.poll() is not None  # another process may keep its standard error open
            events = self._selector.select(_STRAGGLER)
            if ended and not events:
                break
            if not ended and self._remaining(begun) <= 0:
                raise self._timed_out()
            for key, _ in events:
                self._read_stderr() if key.fd == self._stderr else self._send()
        try:
            return self._process.wait(timeout=max(0.0, self._remaining(begun)))
        except subprocess.TimeoutExpired as error:
            raise self._timed_out() from error

    def stderr(self) -> str:
        """The newest of what git wrote to its standard error."""
        return self._stderr_bytes.decode(errors="replace")

    def end(self) -> None:
        """Ends git if it still runs, and gives back every descriptor; safe to call twice."""
        if not self._given_up:
            self._given_up = True
            self._selector.close()
            self._kill()
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()

    def _watch(self, stream: IO[bytes] | None, event: int) -> int:
        """The descriptor of `stream`, served from now on; -1 when there is none."""
        if stream is None:
            return -1
        os.set_blocking(stream.fileno(), False)
        self._selector.register(stream.fileno(), event)
        return stream.fileno()

    def _remaining(self, begun: float) -> float:
        return min(self.idle_timeout, self.longest - self._waited) - (time.monotonic() - begun)

    def _timed_out(self) -> GitTimeoutError:
        if self.longest - self._waited <= self.idle_timeout:
            return GitTimeoutError(f"gave no whole answer for {self.longest:g} s")
        return GitTimeoutError(f"gave no answer for {self.idle_timeout:g} s")

    def _received(self, buffer: bytearray | memoryview) -> int | None:
        """Bytes read without waiting, which saves a look at the other pipes; None when there are none yet."""
        try:
            return os.readv(self._stdout, [buffer])
        except BlockingIOError:
            return None

    def _serve(self, begun: float) -> None:
        """Waits until a pipe is ready, and serves all that are ready but the output's."""
        events = self._selector.select(max(0.0, self._remaining(begun)))
        if not events:
            raise self._timed_out()
        for key, _ in events:
            if key.fd == self._stdin:
                self._send()
            elif key.fd == self._stderr:
                self._read_stderr()

    def _send(self) -> None:
        try:
            sent = os.write(self._stdin, self._pending[:_PIECE])
        except BrokenPipeError:
            sent = len(self._pending)  # git is gone; its exit status and errors tell why
        self._pending = self._pending[sent:]
        if not self._pending and self._process.stdin is not None:
            self._selector.unregister(self._stdin)
            self._process.stdin.close()

    def _read_stderr(self) -> None:
        received = os.read(self._stderr, _PIECE)
        self._stderr_bytes = (self._stderr_bytes + received)[-_KEPT:]
        if not received:
            self._selector.unregister(self._stderr)

    def _kill(self) -> None:
        if self._process.poll() is not None:
            return
        self._signal(signal.SIGTERM)  # git removes its lock files
        try:
            self._process.wait(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
