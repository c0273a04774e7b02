"""One request to an address that is no registry, such as a webhook's, over connections as for a registry."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import ConfigurationError, SinkError
from reconciler.registry.auth import RegistryAuth
from reconciler.registry.endpoint import is_loopback
from reconciler.registry.limits import Limits
from reconciler.registry.response import retry_after
from reconciler.registry.tls import tls_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

_BODY_BYTES = 64 * 1024


class Posted(NamedTuple):
    """An answer.

    Attributes:
        retry_after: seconds that it asks to wait, or None.
    """

    status: int
    retry_after: float | None
    body: bytes


async def post(
    url: str, headers: Mapping[str, str], body: bytes, *, deadline: float = 10.0, in_clear: bool = False
) -> Posted:
    """Sends one POST, once; redirects are not followed.

    Args:
        url: may carry credentials (Basic) and a query; no message repeats more of it than the host.
        headers: beside those of HTTP itself.
        body: as it is sent.
        deadline: seconds for everything.
        in_clear: http is allowed to other machines, too.

    Raises:
        SinkError: there was no answer, or the address is none.
    """
    import httpx  # noqa: PLC0415 - slow

    from reconciler.registry.transport import Connections  # noqa: PLC0415

    address, more = _address(url, in_clear=in_clear)
    limits = Limits(deadline=deadline, connect_timeout=deadline / 2, body_bytes=_BODY_BYTES)
    connections = Connections(address, RegistryAuth(), limits)
    try:
        async with asyncio.timeout(deadline):
            with connections.one() as client:
                answer = await client.post(address, content=body, headers={**headers, **more})
        return Posted(answer.status_code, retry_after(answer.headers), answer.content)
    except TimeoutError:
        raise SinkError(f"{address.host} did not answer within {deadline:g} s") from None
    except ConfigurationError as error:
        raise SinkError(str(error)) from None
    except httpx.HTTPError as error:
        why = tls_problem(error, address) or f"no answer ({type(error).__name__})"
        raise SinkError(f"{address.host}: {why}") from None
    finally:
        await connections.aclose()


def _address(text: str, *, in_clear: bool) -> tuple[httpx.URL, dict[str, str]]:
    """The address without its credentials, and the header that holds those."""
    import httpx  # noqa: PLC0415

    try:
        url = httpx.URL(text.strip())
        url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        raise SinkError("its url is none: write https://host/path") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise SinkError("its url is no address of a web server: write https://host/path")
    if url.scheme == "http" and not (in_clear or is_loopback(url)):
        raise SinkError("its url would be sent in the clear: write https (http is for loopback)")
    if not url.userinfo:
        return url, {}
    basic = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return url.copy_with(username=None, password=None), {"Authorization": f"Basic {basic}"}
