"""Secrets: where one comes from, a value, a variable, a file or a command.

A secret is read at each use, so that rotation needs no restart, used and forgotten here; what goes wrong
names the place it comes from, never its value.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from reconciler.errors import ConfigurationError
from reconciler.redaction import remember, shown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_LARGEST = 64 * 1024


class Secret(Protocol):
    """Something that knows a secret now, and perhaps another one later."""

    async def read(self) -> str:
        """The secret as it is now.

        Raises:
            ConfigurationError: it cannot be read, or is empty; the message names the place.
        """


class StoredSecret(ABC):
    """A secret that is there to be read, without a program to run for it."""

    __slots__ = ()

    @abstractmethod
    def read_now(self) -> str:
        """What is stored now, without an event loop; raises as `read` does.

        Messages may name it until the caller says that it is a secret (`reconciler.redaction.remember`).
        """

    async def read(self) -> str:
        """As the protocol says."""
        return remember(self.read_now())


@dataclass(frozen=True, slots=True)
class GivenSecret(StoredSecret):
    """A secret given by value.

    Attributes:
        value: the secret itself; not part of any representation.
    """

    value: str = field(repr=False)

    def read_now(self) -> str:
        """The value."""
        return _usable(self.value, "a secret given by value")


@dataclass(frozen=True, slots=True)
class EnvironmentSecret(StoredSecret):
    """A secret in a variable of the environment."""

    name: str

    def read_now(self) -> str:
        """The variable's value now."""
        value = os.environ.get(self.name)
        if value is None:
            raise ConfigurationError(
                f"environment variable {shown_name(self.name)} is not set: export it, and name the variable "
                "here, not the secret"
            )
        return _usable(value, f"environment variable {shown_name(self.name)}")


@dataclass(frozen=True, slots=True)
class FileSecret(StoredSecret):
    """A secret in a file of its own, such as a mounted one; line ends after it do not count."""

    path: Path

    def read_now(self) -> str:
        """The file's content now."""
        try:
            with self.path.open("rb") as file:
                content = file.read(_LARGEST + 1)
            text = content.decode()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigurationError(f"{self._place} cannot be read: {reason}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{self._place} is not UTF-8 text") from None
        if len(content) > _LARGEST:
            raise ConfigurationError(f"{self._place} is larger than {_LARGEST} bytes")
        return _usable(text, self._place)

    @property
    def _place(self) -> str:
        name = shown_name(self.path.name)
        return f"secret file {self.path if name == self.path.name else name}"


class CommandSecret:
    """A secret that a command prints, such as a password manager's; asked again once it is `keep` old."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        timeout: float = 10.0,
        keep: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A command that is not run yet.

        Args:
            command: program and arguments; no shell.
            timeout: seconds after which it is killed, with its children.
            keep: seconds for which what it printed is used again.
            clock: seconds that only ever grow.
        """
        if not command:
            raise ConfigurationError("a secret's command is empty: give a program and its arguments")
        self._command = tuple(command)
        self._timeout = timeout
        self._keep = keep
        self._clock = clock
        self._kept: tuple[float, str] | None = None
        self._one_at_a_time = asyncio.Lock()

    def __repr__(self) -> str:
        return f"CommandSecret({shown_name(self._command[0])!r})"

    async def read(self) -> str:
        """What the command prints, or printed a moment ago."""
        async with self._one_at_a_time:
            if self._kept is None or self._clock() - self._kept[0] >= self._keep:
                printed = await asyncio.to_thread(_run, self._command, self._timeout)
                self._kept = (
                    self._clock(),
                    remember(_usable(printed, f"command {shown_name(self._command[0])}")),
                )
            return self._kept[1]


def _run(command: Sequence[str], timeout: float) -> str:
    name = shown_name(command[0])
    try:
        with subprocess.Popen(  # noqa: S603 - the operator's own command, without a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                printed, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise ConfigurationError(f"command {name} printed no secret within {timeout:g} s") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"command {name} cannot be run: {reason}") from None
    if process.returncode != 0:
        raise ConfigurationError(f"command {name} ended with exit code {process.returncode}: run it by hand")
    try:
        return printed.decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"command {name} printed something that is not UTF-8 text") from None


def _usable(text: str, place: str) -> str:
    secret = text.rstrip("\r\n")
    if not secret.strip():
        raise ConfigurationError(f"{place} is empty")
    return secret
