"""The proxy that the environment names for what is asked over http or https."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from reconciler.errors import ConfigurationError
from reconciler.loopback import is_loopback

_HOST = re.compile(r"[a-z0-9._:%-]+")  # a name in its ASCII form, or an address


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
