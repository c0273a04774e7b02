from __future__ import annotations

import asyncio
import signal
import socket

import httpx
import pytest

from reconciler.errors import ConfigurationError
from reconciler.web.server import listen, serving
from tests.plain_http import NO_TLS
from tests.web.served import Loop, Served


def test_a_port_that_is_taken_is_said_with_the_remedy() -> None:
    """Where, what, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"web\.listen: .*{port}.* Choose another"):
            listen("127.0.0.1", port)


def test_the_next_free_port_is_taken_when_several_may_be_tried() -> None:
    """Two daemons on one machine do not need to be told apart."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with listen("127.0.0.1", taken, attempts=20) as listener:
            assert taken < listener.getsockname()[1] < taken + 20


@pytest.mark.parametrize(("host", "port"), [("203.0.113.1", 0), ("not a host", 0), ("127.0.0.1", 70_000)])
def test_an_address_that_cannot_be_had_is_a_configuration_error(host: str, port: int) -> None:
    """No traceback for a typing error."""
    with pytest.raises(ConfigurationError, match=r"web\.listen"):
        listen(host, port)


def test_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    """Connections inherit it from the listener."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_ipv6_address_has_a_url_with_brackets() -> None:
    """So that it can be clicked."""
    with Served(Loop(), host="::1") as site:
        assert site.url.startswith("http://[::1]:")
        assert site.client.get("/healthz").status_code == 200


def test_signals_stay_the_business_of_the_process() -> None:
    """Serving in the main thread neither takes nor changes a handler."""
    before = signal.getsignal(signal.SIGTERM)

    async def during() -> object:
        async with serving(silent, listen("127.0.0.1", 0)):
            return signal.getsignal(signal.SIGTERM)

    assert asyncio.run(during()) is before


def test_leaving_the_block_closes_the_port() -> None:
    """A new process can listen at once."""
    with Served(Loop()) as site:
        address, url = site.address, site.url
    with pytest.raises(httpx.ConnectError), httpx.Client(trust_env=False, verify=NO_TLS) as client:
        client.get(url)
    listen(*address).close()


async def silent(scope: object, receive: object, send: object) -> None:
    """Answers nothing; nobody asks."""
