"""What tests run on node: packages that `make node` installs beside the environment of Python."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

MODULES = Path(sys.prefix) / "node" / "node_modules"


def package(name: str) -> Path:
    """The folder of a package; without it, or without node, the test is skipped and says what is missing."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed here")
    if not (MODULES / name).is_dir():
        pytest.skip(f"{name}, a package of node, is not installed here: `make node` does it")
    return MODULES / name
