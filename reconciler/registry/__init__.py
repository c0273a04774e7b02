"""The registry room: the async client of the vendor's model API, and the only room that touches httpx.

    ModelArtsRegistry ─▶ Paginator ─▶ HttpSession (pacing, deadline, repetition) ─▶ Connections ─▶ network
                                       │                          │
                                       └─ classify ◀─ codes       └─ auth ◀─ cooldown

In come an endpoint, credentials and limits; out come values of the engine, or errors of `reconciler.errors`.
httpx is loaded when a client is made, and what carries the requests with the first of them. Requests to other
servers are sent by the module `reconciler.http_request`, with the same transport.
"""

from __future__ import annotations

from reconciler.registry.auth import AccessKeyAuth, PasswordAuth, RegistryAuth, TokenAuth
from reconciler.registry.client import ModelArtsRegistry
from reconciler.registry.cooldown import CredentialCooldown
from reconciler.registry.limits import Limits

__all__ = [
    "AccessKeyAuth", "CredentialCooldown", "Limits", "ModelArtsRegistry", "PasswordAuth", "RegistryAuth",
    "TokenAuth",
]  # fmt: skip
