"""Which hosts are this machine, where plain http is allowed, and by which proxy the others are asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_HOST = re.compile(r"[a-z0-9._:%-]+")  # a name in its ASCII form, or an address


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone; nothing is resolved."""
    host = host.rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def is_address(host: str) -> bool:
    """Whether a host is an IP address, and so no name."""
    return _address(host) is not None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    from ipaddress import ip_address  # noqa: PLC0415 - few configurations name a host

    try:
        return ip_address(host)
    except ValueError:
        return None


def proxy_for(scheme: str, host: str) -> str | None:
    """The proxy for a URL with this scheme and host, itself a URL; never one for loopback.

    Raises:
        ConfigurationError: it is none that can be used. Its address is not shown: it may hold a password.
    """
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - slow

    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    kind = scheme if proxies.get(scheme) else "all"
    named = proxies.get(kind)
    return _usable(named, f"{kind.upper()}_PROXY") if named else None


def _usable(text: str, variable: str) -> str:
    text = text.strip() if "://" in text else f"http://{text.strip()}"
    try:
        proxy = urlsplit(text)
        port = proxy.port
    except ValueError:
        raise ConfigurationError(f"{variable} is not the URL of a proxy: write http://host:port") from None
    if proxy.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"{variable} names a proxy of kind {proxy.scheme[:20]!r}, and only http and https are supported: "
            "write http://host:port, or name this host in NO_PROXY"
        )
    if not _HOST.fullmatch(proxy.hostname or "") or port == 0:
        raise ConfigurationError(
            f"{variable} names no host, or no port from 1 to 65535: write http://host:port"
        )
    return text
