"""One HTTP request to any server, such as a sink or the host of a repository; sent once.

It goes over the connections of the registry room, with the same proxies, trusted authorities and limits.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError, NoAnswerError
from reconciler.network import is_loopback
from reconciler.registry.auth import RegistryAuth
from reconciler.registry.endpoint import tls_problem
from reconciler.registry.exchange import Response
from reconciler.registry.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

_BODY_BYTES = 64 * 1024


async def send(  # noqa: PLR0913 - the parts of a request
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    deadline: float = 10.0,
    in_clear: bool = False,
    body_bytes: int = _BODY_BYTES,
) -> Response:
    """Sends one request, once; redirects are not followed.

    Args:
        method: of HTTP.
        url: may carry credentials (Basic) and a query; no message repeats more of it than the host.
        headers: beside those of HTTP itself.
        body: as it is sent; None for none.
        deadline: seconds for everything.
        in_clear: http is allowed to other machines, too.
        body_bytes: how much of an answer is read before it is given up.

    Raises:
        NoAnswerError: there was no answer, or the address is none.
    """
    import httpx  # noqa: PLC0415 - slow

    from reconciler.registry.transport import Connections  # noqa: PLC0415

    address, more = _address(url, in_clear=in_clear)
    limits = Limits(deadline=deadline, connect_timeout=deadline / 2, body_bytes=body_bytes)
    connections = Connections(address, RegistryAuth(), limits)
    try:
        async with asyncio.timeout(deadline):
            with connections.one() as client:
                answer = await client.request(method, address, content=body, headers={**headers, **more})
        return Response(answer.status_code, answer.headers, answer.content)
    except TimeoutError:
        raise NoAnswerError(f"{address.host} did not answer within {deadline:g} s") from None
    except ConfigurationError as error:
        raise NoAnswerError(str(error)) from None
    except httpx.HTTPError as error:
        why = tls_problem(error, address) or f"no answer ({type(error).__name__})"
        raise NoAnswerError(f"{address.host}: {why}") from None
    finally:
        await connections.aclose()


def address_fault(url: str) -> str | None:
    """What is wrong with an address, to follow its name in a message; None where it can be sent to."""
    try:
        _address(url, in_clear=False)
    except NoAnswerError as error:
        return str(error).removeprefix("its url ")
    return None


def _address(text: str, *, in_clear: bool) -> tuple[httpx.URL, dict[str, str]]:
    """The address without its credentials, and the header that holds those."""
    import httpx  # noqa: PLC0415

    try:
        url = httpx.URL(text.strip())
        url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        raise NoAnswerError("its url is none: write https://host/path") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise NoAnswerError("its url is no address of a web server: write https://host/path")
    if url.scheme == "http" and not (in_clear or is_loopback(url.host)):
        raise NoAnswerError("its url would be sent unencrypted: write https (http is for loopback)")
    if not url.userinfo:
        return url, {}
    basic = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return url.copy_with(username=None, password=None), {"Authorization": f"Basic {basic}"}
