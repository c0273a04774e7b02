"""A name for everything that decides what reading a manifest gives.

The name is made of the sources themselves: a number that somebody has to remember to raise would one day be
forgotten, and what was kept under it would be a lie. So a comment that changes costs one reading of
everything, and a rule that changes can never be missed.
"""

from __future__ import annotations

import sys
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROOMS = ("contract", "manifest")
_LIBRARIES = (("pydantic", "version.py"), ("yaml", "__init__.py"))
"""The file of each that holds its version: a quicker way to it than its metadata, and without an import."""


@cache
def rules_version() -> str:
    """16 hex digits that change whenever the same bytes might be read otherwise than before.

    To be asked for early: sources that are replaced below a running process name what it does not run.
    """
    rooms = [Path(__file__).parents[1] / room for room in _ROOMS]
    specs = ((find_spec(library), file) for library, file in _LIBRARIES)
    libraries = [Path(spec.origin).with_name(file) for spec, file in specs if spec and spec.origin]
    return fingerprint(rooms, libraries)


def fingerprint(folders: Iterable[Path], files: Iterable[Path]) -> str:
    """16 hex digits of this Python, of all files below some folders, and of some files more.

    Names count as well as contents, but not where the folders lie; compiled modules do not count.
    """
    total = sha256(sys.version.encode())
    parts = [
        (path.relative_to(folder.parent), path)
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "__pycache__"
    ]
    for name, path in [*parts, *((Path(file.name), file) for file in files)]:
        content = path.read_bytes()
        total.update(f"\0{name.as_posix()}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]
