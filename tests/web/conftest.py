from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.served import Loop, Served

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def site() -> Iterator[Served]:
    """A served application whose loop the test sets."""
    with Served(Loop()) as served:
        yield served
