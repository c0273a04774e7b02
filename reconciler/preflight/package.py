"""What lies at a source, as far as the rules want to know it: gathered once, judged without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.preflight.values import ModelFiles

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
