"""A ModelArts-compatible model registry that ships with the package: HTTP in front, SQLite behind.

It follows the vendor's documents, not this program's client, and knows nothing of git, manifests or the
engine. The settings are cheap to import; the server is imported when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.embedded.settings import AccountKeys, EmbeddedSettings, User
from reconciler.lazy import attributes

if TYPE_CHECKING:
    from reconciler.embedded.application import create_app
    from reconciler.embedded.server import running, serve
    from reconciler.embedded.testing.faults import Faults, load_faults

__all__ = [
    "AccountKeys", "EmbeddedSettings", "Faults", "User", "create_app", "load_faults", "running", "serve",
]  # fmt: skip

_NAMES = {
    "application": ("create_app",),
    "server": ("running", "serve"),
    "testing.faults": ("Faults", "load_faults"),
}  # fmt: skip

__getattr__ = attributes(__name__, _NAMES)
