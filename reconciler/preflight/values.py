"""What this room speaks of: files of a model, what lies at a source, and why that could not be looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from reconciler.budgets import shortened
from reconciler.contract.problem import ABSENT, Problem, warning
from reconciler.errors import Exit, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


SOURCE = "source_location"

NOT_EXAMINED = "preflight-not-examined"
"""The code of what could not be looked at; it stays a warning where all else is made an error."""

_WIDEST_KEY = 120


class StoredFile(NamedTuple):
    """One file: its key, with `/` between the parts and relative to the source, and its size in bytes."""

    key: str
    size: int


class ModelFiles(Protocol):
    """Reading access to the files of one source."""

    def list(self, prefix: str) -> Iterable[StoredFile]:
        """The files whose keys begin with `prefix`, which is empty or ends with `/`; in any order.

        Raises:
            FilesUnavailable: they cannot be listed; also while iterating.
        """

    def read(self, key: str, limit: int) -> bytes:
        """The first `limit` bytes of a file, or all of them where there are fewer.

        Raises:
            FilesUnavailable: it cannot be read.
        """

    def close(self) -> None:
        """Lets go of connections."""


@dataclass(frozen=True, slots=True)
class ObjectStoreKeys:
    """An access key of the object store; nothing of it is shown."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


class FilesUnavailable(ReconcilerError):  # noqa: N818 - reads as what is true of the files
    """The files of a source cannot be looked at.

    Attributes:
        code: `preflight-address` (the address is wrong), `preflight-source-missing` (no such source),
            `preflight-denied` (access was refused; never tried again), `preflight-unavailable` (no usable
            answer; later perhaps), `preflight-region` (the service takes nothing from there), or
            `preflight-not-examined` (nobody may or can look there).
    """

    exit_code = Exit.UNAVAILABLE

    def __init__(self, code: str, why: str) -> None:
        self.problem = about(SOURCE, code, why)
        super().__init__(self.problem.message)
        self.code = code


def about(field_name: str, code: str, why: str, value: object = ABSENT) -> Problem:
    """What is wrong with a field of the manifest."""
    return warning(code, (field_name,), why, value)


def about_file(key: str, code: str, why: str) -> Problem:
    """What is wrong with a file of the model, or with the directory `model/`."""
    return Problem(code, f"{shown(key)}: {why}", (SOURCE,), "warning")


def shown(key: str) -> str:
    """A key for a message: as it is where all of it can be printed, else as a literal."""
    text = shortened(key, _WIDEST_KEY)
    return text if text.isprintable() else repr(text)


MODEL = "model/"
CONFIG = f"{MODEL}config.json"
CODE = f"{MODEL}customize_service.py"

MOST_FILES = 10_000
"""Files that are looked at."""
LARGEST_TEXT = 256 * 1024
"""Bytes of a config.json or customize_service.py that is read; larger ones are told about."""
_MOST_BESIDE = 200


@dataclass(frozen=True, slots=True)
class Package:
    """The files of one source.

    Attributes:
        files: sizes in bytes by key, of what lies in `model/`; of the whole source where all of it counts.
        complete: whether `files` is all there is.
        beside: where `model/` is empty, some keys of what else there is.
        config: content of `model/config.json`, or None where it is absent, too large or not wanted.
        code: content of `model/customize_service.py`, likewise.
    """

    files: Mapping[str, int]
    complete: bool = True
    beside: tuple[str, ...] = ()
    config: bytes | None = None
    code: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(self.files.values())

    def lacks(self, key: str) -> bool:
        """Whether it is certain that a file is not there."""
        return self.complete and key not in self.files


def gather(files: ModelFiles, *, whole: bool = False, texts: frozenset[str] = frozenset()) -> Package:
    """Looks at a source.

    The `whole` of it counts, or only its directory `model/`; of `CONFIG` and `CODE`, those in `texts` are
    read. Raises FilesUnavailable.
    """
    sizes = dict(islice(files.list("" if whole else MODEL), MOST_FILES + 1))
    beside: tuple[str, ...] = ()
    if not sizes and not whole:
        beside = tuple(key for key, _ in islice(files.list(""), _MOST_BESIDE))
    complete = len(sizes) <= MOST_FILES
    contents = {
        key: files.read(key, LARGEST_TEXT)
        for key in sorted(texts)
        if key in sizes and sizes[key] <= LARGEST_TEXT
    }
    return Package(MappingProxyType(sizes), complete, beside, contents.get(CONFIG), contents.get(CODE))
