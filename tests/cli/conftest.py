"""A small fleet that publishes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED, Fleet

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A repository that declares `a@1.0.0` and `b@2.0.0` for an embedded registry."""
    made = Fleet(tmp_path / "fleet")
    made.configure(EMBEDDED)
    made.declare("a@1.0.0", "b@2.0.0")
    return made
