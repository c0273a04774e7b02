"""What a setup lacks, and what to do about it. Looks only: nothing is created, nothing is imported.

Of a registry's endpoint: whether it answers, its clock, and how late its list is. Nothing is sent for the
first two but one HEAD, and nothing is imported for the last: in a real registry a trial would stay there. The
journal tells of each import that `run` or `apply` makes meanwhile; from then on the list is asked for that
pair until it shows it.
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
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.app.findings import Finding, local_findings
from reconciler.app.registries import Opening, registry_of
from reconciler.app.session import timing_of
from reconciler.engine.isolation import crash_as_failure
from reconciler.engine.values import Event, EventKind
from reconciler.errors import ConfigurationError, Exit, ReconcilerError, RegistryError, Unauthorised
from reconciler.network import proxy_for
from reconciler.phrases import many
from reconciler.registry.endpoint import parse_endpoint
from reconciler.registry.tls import AuthoritiesUnreadable, tls_problem, usual_authorities
from reconciler.settings import PasswordAuth
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports import Registry
    from reconciler.engine.vendor import Vendor
    from reconciler.settings import Configuration, Target

_SKEW_ALLOWED = 15 * 60  # seconds; outside it the vendor refuses every signature
_SKEW_NOTED = 60
_TIMEOUT = 10.0  # seconds for one connection
_CLOSING = 1.0  # seconds for its end
_POLL = 0.2  # seconds between two looks


async def examine(
    configuration: Configuration, only: str | None, watch: float | None = None
) -> list[Finding]:
    """Every finding, in the order in which one depends on the other.

    `watch`: seconds to watch imports for how late the registry's list shows them; None does not.
    """
    names = configuration.chosen(only)
    findings = await local_findings(configuration, names)
    for name in names:
        findings += [finding async for finding in _target(configuration, name, watch)]
    return findings


async def _target(configuration: Configuration, name: str, watch: float | None) -> AsyncIterator[Finding]:
    target = configuration.settings.targets[name]
    try:
        with crash_as_failure(name):
            async with registry_of(configuration, name, Opening(acts=False)) as registry:
                for key, endpoint in _endpoints(target, name):
                    async for finding in _endpoint(endpoint, key, name):
                        yield finding
                        if finding.level == "error":
                            return
                yield await _listed(registry, name)
                if watch is not None:
                    yield await _delay(configuration, registry, name, watch)
    except ConfigurationError as error:
        remedy = f"correct targets.{name}"
        yield Finding("config", "error", str(error), name, remedy, Exit.CONFIGURATION)
    except ReconcilerError as error:
        yield Finding("registry", "error", str(error), name, "see the message", Exit(error.exit_code))


async def _delay(configuration: Configuration, registry: Registry, name: str, watch: float) -> Finding:
    """How late the list shows what was imported, beside how late `follow.settle` expects it to."""
    measured = await _measured(registry, configuration.state_url, name, watch)
    settle, longest = timing_of(configuration, name).settle, measured.longest
    if longest is None:
        message = f"nothing was imported within {watch:g} s, so the list's delay is not known"
        remedy = "nothing is imported for it: run this beside `reconciler run` or `apply` while they import"
        return Finding("list", "warning", message, name, remedy)
    if measured.unseen:
        message = f"{len(measured.unseen)} new models are not listed {longest:.1f} s after their import"
    else:
        message = f"{len(measured.delays)} new models were listed at most {longest:.1f} s after their import"
    if longest > settle:
        remedy = f"set follow.settle, which is {settle:g} s, to at least {2 * longest:.0f}s"
        return Finding("list", "warning", message, name, remedy)
    return Finding("list", "ok", f"{message}; follow.settle is {settle:g} s", name)


def _endpoints(target: Target, name: str) -> Iterator[tuple[str, str]]:
    """Where the target's calls go directly: the key that says so, and the endpoint."""
    if target.is_local:
        return
    given = [(f"targets.{name}.endpoint", target.endpoint)]
    if isinstance(target.auth, PasswordAuth) and target.auth.iam_endpoint != target.endpoint:
        given.append((f"targets.{name}.auth.iam_endpoint", target.auth.iam_endpoint))
    for key, endpoint in given:
        url = parse_endpoint(endpoint)
        if not proxy_for(url.scheme, url.host):
            yield key, endpoint


async def _listed(registry: Registry, name: str) -> Finding:
    """Whether the registry lists the project's models to these credentials: asked once."""
    try:
        models = await registry.list_models()
    except RegistryError as error:
        check, remedy = _blamed(error, name, registry.vendor)
        return Finding(check, "error", str(error), name, remedy, Exit.UNAVAILABLE)
    return Finding("registry", "ok", f"answers, and lists {many(len(models), 'model')}", name)


def _blamed(error: RegistryError, name: str, vendor: Vendor) -> tuple[str, str]:
    """What a refused list is about, and what to do."""
    if vendor.is_about_project(error.code):
        remedy = f"check targets.{name}.project_id, and that targets.{name}.auth is for that project"
        return "project", remedy
    if isinstance(error, Unauthorised) and error.status == HTTPStatus.FORBIDDEN:
        return "permission", f"grant {vendor.listing} to the user of targets.{name}.auth"
    if isinstance(error, Unauthorised):
        return (
            "credentials",
            f"correct targets.{name}.auth; do not try again and again: five failures lock a key",
        )
    return "registry", f"check targets.{name}.endpoint and project_id"


async def _endpoint(endpoint: str, key: str, name: str) -> AsyncIterator[Finding]:
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


@dataclass(slots=True)
class _Measured:
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


async def _measured(registry: Registry, url: str, target: str, seconds: float) -> _Measured:
    """Watches journal and list until an import was seen through, or the time is over. Raises StateError."""
    measured, before = _Measured(), len(_events(url, target))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not (measured.delays and not measured.unseen):
        imports = [event for event in _events(url, target)[before:] if event.kind is EventKind.IMPORTED]
        for event in imports:
            if event.pair not in measured.delays:
                await _look(registry, event.pair, event.at, measured)
        await asyncio.sleep(_POLL)
    return measured


async def _look(registry: Registry, pair: ModelKey, answered: datetime, measured: _Measured) -> None:
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
