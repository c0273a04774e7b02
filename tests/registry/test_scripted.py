"""The scripted server leaves nothing open."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest

from tests.registry.scripted import answer, serving


@pytest.mark.parametrize("rounds", range(6))
def test_a_connection_that_comes_as_the_server_ends_is_closed(rounds: int) -> None:
    """An open socket would be a warning, and warnings are errors: of whichever test the collector runs in."""

    async def main() -> None:
        async with serving(lambda _: answer(200)) as server:
            host, port = server.url.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))):
                for _ in range(rounds):
                    await asyncio.sleep(0)

    asyncio.run(main())
    gc.collect()
