"""Which hosts are this machine: where plain http is allowed, and no proxy is asked."""

from __future__ import annotations


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone; nothing is resolved."""
    host = host.rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    from ipaddress import ip_address  # noqa: PLC0415 - few configurations name a host

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
