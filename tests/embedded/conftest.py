"""A registry on a real socket for each test that asks, on a clock that the test moves."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import pytest

from reconciler.embedded import EmbeddedSettings, running
from tests.embedded.samples import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """A wall clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.now


class Serve(Protocol):
    """Starts a registry with these settings and gives a plain HTTP client whose base is the project's URL."""

    def __call__(self, **settings: Any) -> httpx.Client:
        """See EmbeddedSettings; the clock is the test's unless given."""


@contextmanager
def client_of(settings: EmbeddedSettings) -> Iterator[httpx.Client]:
    """A registry, and a client of it, while the block runs."""
    with running(settings) as url, httpx.Client(base_url=f"{url}/v1/{PROJECT}") as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    """The registries' clock."""
    return Clock()


@pytest.fixture
def serve(clock: Clock) -> Iterator[Serve]:
    """Registries that stop when the test ends."""
    with ExitStack() as stack:

        def start(**settings: Any) -> httpx.Client:
            chosen = EmbeddedSettings(**{"clock": clock, **settings})
            return stack.enter_context(client_of(chosen))

        yield start
