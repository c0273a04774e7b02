from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import structlog

from reconciler.log import silence
from tests.program import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _every_log_line() -> Iterator[None]:
    """Whatever an earlier command set up, all levels are heard."""
    structlog.reset_defaults()
    yield
    silence()


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A repository with one model."""
    made = Fleet(tmp_path / "fleet")
    made.declare("mnist@1.0.0")
    return made
