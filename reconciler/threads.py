"""Blocking work in a thread that nobody has to wait for: whoever stops leaves it behind."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def in_a_thread(work: Callable[[], T], name: str) -> T:
    """What the work gives or raises; a thread whose answer nobody waits for ends with the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(settle: Callable[[], None]) -> None:
        if not done.done():
            settle()

    def carry_out() -> None:
        try:
            settle = partial(done.set_result, work())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where it is waited for
            settle = partial(done.set_exception, error)
        with suppress(RuntimeError):  # the loop has ended: nobody waits
            loop.call_soon_threadsafe(tell, settle)

    threading.Thread(target=carry_out, name=name, daemon=True).start()
    return await done
