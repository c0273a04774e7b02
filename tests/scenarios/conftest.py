"""A registry behind a line that the test can meddle with, and a repository for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.program import Fleet, modelarts
from tests.relay import Relay, relayed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A registry that publishes at once."""
    with relayed() as server:
        yield server


@pytest.fixture
def fleet(tmp_path: Path, relay: Relay) -> Fleet:
    """A repository that declares `a@1.0.0` and `b@2.0.0` for it."""
    made = Fleet(tmp_path / "fleet")
    made.configure(modelarts(relay.url))
    made.declare("a@1.0.0", "b@2.0.0")
    return made
