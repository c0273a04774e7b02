"""A registry asked over sockets that block is the same registry, and is given up as any other."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from contextlib import aclosing, suppress
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import RegistryError, RegistryUnavailable
from reconciler.registry import Limits, ModelArtsRegistry, TokenAuth
from reconciler.registry.transport import blocking
from reconciler.secret import GivenSecret
from tests.program import manifest
from tests.relay import CUT, Answer, Relay, honest, relayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.engine.values import ObservedModel
    from tests.relay import Request

    Meddle = Callable[[Request, Callable[[], Answer]], Answer]


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    """A registry with two models; it answers in threads of its own."""
    with relayed() as relay:
        for model in ("a@1.0.0", "b@2.0.0"):
            relay.add(_request(model))
        yield relay


def _request(model: str) -> dict[str, Any]:
    fields = (line.partition(": ") for line in manifest(model).splitlines())
    return {name: value.strip('"') for name, _, value in fields}


def _listed(relay: Relay, *, blocks: bool, **limits: Any) -> Sequence[ObservedModel]:
    return _list_at(relay.url, blocks=blocks, **limits)


def _list_at(url: str, *, blocks: bool, **limits: Any) -> Sequence[ObservedModel]:
    async def listed() -> Sequence[ObservedModel]:
        auth = TokenAuth(GivenSecret("token-of-the-test"))
        transport = blocking(url, auth) if blocks else None
        registry = ModelArtsRegistry(
            url, "project-prod", auth=auth, limits=Limits(**limits), transport=transport
        )
        async with aclosing(registry):
            return await registry.list_models()

    return asyncio.run(listed())


def test_a_list_is_the_same_and_asked_for_in_the_same_words(relay: Relay) -> None:
    """One client, whatever carries its requests."""
    listings = []
    for blocks in (False, True):
        relay.requests.clear()
        models = _listed(relay, blocks=blocks)
        listings.append((models, [(one.method, one.target, one.headers) for one in relay.requests]))
    assert listings[0] == listings[1]
    assert {str(model.pair) for model in listings[1][0]} == {"a@1.0.0", "b@2.0.0"}


@pytest.mark.parametrize(
    ("given", "limits", "kind"),
    [
        (CUT, {"read_attempts": 1}, RegistryUnavailable),
        (Answer(500, b"{}"), {"read_attempts": 1}, RegistryUnavailable),
        (Answer(200, b" " * 2048), {"body_bytes": 1024}, RegistryError),
        (Answer(200, b"{}", headers=(("Content-Encoding", "gzip"),)), {}, RegistryError),
    ],
)
def test_what_goes_wrong_is_told_in_the_same_words(
    relay: Relay, given: Answer, limits: dict[str, Any], kind: type[RegistryError]
) -> None:
    """A cut line, an error, an answer that is too large or compressed."""
    relay.meddle = lambda *_: given
    try:
        said = []
        for blocks in (False, True):
            with pytest.raises(kind) as error:
                _listed(relay, blocks=blocks, **limits)
            said.append(re.sub(r"relay-\d+", "relay", str(error.value)))
    finally:
        relay.meddle = honest
    assert said[0] == said[1]


def test_one_that_does_not_answer_is_given_up(relay: Relay) -> None:
    """By the deadline of a call, although nothing else runs in the event loop meanwhile."""
    over = Event()

    def late(_: Request, forward: Callable[[], Answer]) -> Answer:
        over.wait()
        return forward()

    relay.meddle = late
    try:
        with pytest.raises(RegistryUnavailable):
            _listed(relay, blocks=True, deadline=0.1, read_attempts=1)
    finally:
        over.set()
        relay.meddle = honest


def test_one_whose_answer_drips_for_ever_is_given_up() -> None:
    """Each byte comes in time, the answer never: the deadline is that of the whole call."""
    over = Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not over.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: drip(server.accept()[0]), daemon=True).start()
        try:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            with pytest.raises(RegistryUnavailable):
                _list_at(url, blocks=True, deadline=0.3, read_attempts=1)
        finally:
            over.set()
