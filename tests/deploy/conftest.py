"""What a restored state is tried with: a registry that counts its imports, and a PostgreSQL server."""

from __future__ import annotations

from tests.scenarios.conftest import fleet, relay
from tests.state.conftest import postgres_socket

__all__ = ["fleet", "postgres_socket", "relay"]
