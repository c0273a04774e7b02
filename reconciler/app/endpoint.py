"""What `doctor` finds out of a registry's endpoint: whether it answers, its clock, and how late its list is.

Nothing is sent for the first two but one HEAD, and nothing is imported for the last: in a real registry a
trial would stay there. The journal tells of each import that `run` or `apply` makes meanwhile; from then on
the list is asked for that pair until it shows it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.app.finding import Finding
from reconciler.engine.values import Event, EventKind
from reconciler.errors import Exit, RegistryError
from reconciler.registry.endpoint import AuthoritiesUnreadable, parse_endpoint, tls_problem, usual_authorities
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports import Registry


_SKEW_ALLOWED = 15 * 60  # seconds; outside it the vendor refuses every signature
_SKEW_NOTED = 60
_TIMEOUT = 10.0  # seconds for one connection
_CLOSING = 1.0  # seconds for its end


async def examine_endpoint(endpoint: str, key: str, name: str) -> AsyncIterator[Finding]:
    """Name resolution, connection, TLS and clock, each before what needs it."""
    parts = urlsplit(endpoint)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        remedy = f"check {key} and this machine's DNS"
        yield Finding(
            "address", "error", f"{host}: {error.strerror or error}", name, remedy, Exit.UNAVAILABLE
        )
        return
    yield Finding("address", "ok", f"{host} is {addresses[0][4][0]}", name)
    try:
        date = await asyncio.wait_for(_date(host, port, secure=secure), _TIMEOUT)
    except (ssl.SSLError, AuthoritiesUnreadable) as error:
        remedy = f"check {key} and its certificate; an authority of your own is named by SSL_CERT_FILE"
        problem = tls_problem(error, parse_endpoint(endpoint)) or str(error)
        yield Finding("tls", "error", problem, name, remedy, Exit.UNAVAILABLE)
        return
    except (OSError, TimeoutError) as error:
        remedy = f"check {key}, that it is up, and that no firewall stands between"
        problem = "no answer" if isinstance(error, TimeoutError) else os.strerror(error.errno or errno.EIO)
        message = f"{host} port {port}: {problem}"
        yield Finding("registry", "error", message, name, remedy, Exit.UNAVAILABLE)
        return
    yield Finding("tls", "ok", "certificate accepted" if secure else "plain HTTP on loopback", name)
    yield _clock(date, name)


async def _date(host: str, port: int, *, secure: bool) -> str | None:
    """The `Date` header of any answer of the server."""
    context = usual_authorities() if secure else None
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        writer.write(f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        head = await reader.read(16384)
    finally:
        writer.close()
        # waited for: one that is collected after its event loop has ended writes a traceback
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), _CLOSING)
    lines = head.decode("latin-1").split("\r\n")
    return next((line[5:].strip() for line in lines if line.lower().startswith("date:")), None)


def _clock(date: str | None, name: str) -> Finding:
    try:
        skew = abs((parsedate_to_datetime(date or "") - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return Finding("clock", "warning", "the registry does not say what time it is", name)
    message = f"{skew:.0f} s between this clock and the registry's"
    if skew > _SKEW_ALLOWED:
        remedy = "set this machine's clock: signatures are refused beyond 15 minutes"
        return Finding("clock", "error", message, name, remedy, Exit.UNAVAILABLE)
    if skew > _SKEW_NOTED:
        return Finding("clock", "warning", message, name, "set this machine's clock, by NTP for instance")
    return Finding("clock", "ok", message, name)


_POLL = 0.2  # seconds between two looks


@dataclass(slots=True)
class Measured:
    """What was seen.

    Attributes:
        delays: seconds from each import's answer until the list showed it, by pair.
        unseen: pairs that were imported, and not listed by the end.
    """

    delays: dict[ModelKey, float] = field(default_factory=dict)
    unseen: dict[ModelKey, float] = field(default_factory=dict)

    @property
    def longest(self) -> float | None:
        """The longest delay, or time that a model has not been listed yet; None without an import."""
        return max((*self.delays.values(), *self.unseen.values()), default=None)


async def measure(registry: Registry, url: str, target: str, seconds: float) -> Measured:
    """Watches the journal and the list; ends when an import was seen through, or when the time is over.

    Raises:
        StateError, RegistryError: they cannot be read.
    """
    measured, before = Measured(), len(_events(url, target))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not (measured.delays and not measured.unseen):
        imports = [event for event in _events(url, target)[before:] if event.kind is EventKind.IMPORTED]
        for event in imports:
            if event.pair not in measured.delays:
                await _look(registry, event.pair, event.at, measured)
        await asyncio.sleep(_POLL)
    return measured


async def _look(registry: Registry, pair: ModelKey, answered: datetime, measured: Measured) -> None:
    try:
        listed = await registry.find(pair)
    except RegistryError:
        listed = ()
    waited = max((datetime.now(UTC) - answered).total_seconds(), 0.0)
    if listed:
        measured.unseen.pop(pair, None)
        measured.delays[pair] = waited
    else:
        measured.unseen[pair] = waited


def _events(url: str, target: str) -> Sequence[Event]:
    with closing(open_state(url, writer=False)) as ledger:
        return ledger.events(target)
