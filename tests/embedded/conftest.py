"""A registry on a real socket for each test that asks, on a clock that the test moves."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import httpx
import pytest

from reconciler.embedded import EmbeddedSettings, running
from tests.plain_http import NO_TLS

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
    """Gives a plain HTTP client of a registry with these settings; its base is the URL of a new project."""

    def __call__(self, **settings: Any) -> httpx.Client:
        """See EmbeddedSettings; the clock is the test's."""


@contextmanager
def client_of(settings: EmbeddedSettings, project: str) -> Iterator[httpx.Client]:
    """A registry, and a client of it, while the block runs."""
    with running(settings) as url, httpx.Client(base_url=f"{url}/v1/{project}", verify=NO_TLS) as client:
        yield client


@pytest.fixture(scope="session")
def clock() -> Clock:
    """The registries' clock; it only goes forward."""
    return Clock()


@pytest.fixture(scope="session")
def shared(clock: Clock) -> Iterator[Serve]:
    """Registries in memory that serve every test with the same settings; projects keep the tests apart."""
    with ExitStack() as stack:
        urls: dict[tuple[Any, ...], str] = {}

        def start(**settings: Any) -> httpx.Client:
            key = tuple(sorted(settings.items()))
            if key not in urls:
                urls[key] = stack.enter_context(running(EmbeddedSettings(clock=clock, **settings)))
            return httpx.Client(base_url=f"{urls[key]}/v1/{uuid4().hex}", verify=NO_TLS)

        yield start


@pytest.fixture
def serve(clock: Clock, shared: Serve) -> Iterator[Serve]:
    """A registry of the test's own where it keeps something between calls, else a shared one."""
    with ExitStack() as stack:

        def start(**settings: Any) -> httpx.Client:
            if {"database", "auth"} & set(settings):
                project = next(iter((settings.get("projects") or {"any": uuid4().hex}).values()))
                chosen = EmbeddedSettings(clock=clock, **settings)
                return stack.enter_context(client_of(chosen, project))
            return stack.enter_context(shared(**settings))

        yield start
