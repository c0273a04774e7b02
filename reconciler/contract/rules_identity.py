"""A name for everything that decides what reading a manifest gives."""

from __future__ import annotations

import sys
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

RULES: Final = 18
"""Raised with every change of the code of `contract` and `manifest`: a test fails until it is
(`tests/contract/test_rules_version.py`). What an index kept under an earlier number is read again."""
_LIBRARIES = (("pydantic", "version.py"), ("yaml", "__init__.py"))
"""The file of each that holds its version: a quicker way to it than its metadata, and without an import."""


@cache
def rules_version() -> str:
    """The number of the rules, and 16 hex digits of this Python and of the libraries that they stand on."""
    total = sha256(sys.version.encode())
    specs = ((find_spec(library), file) for library, file in _LIBRARIES)
    for path in (Path(spec.origin).with_name(file) for spec, file in specs if spec and spec.origin):
        total.update(b"\0" + path.read_bytes())
    return f"{RULES} {total.hexdigest()[:16]}"
