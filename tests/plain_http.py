"""For clients of servers that speak plain HTTP, as those of the tests do."""

from __future__ import annotations

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: as `verify=` of an httpx client it saves 20 ms of reading the authorities of the world."""
