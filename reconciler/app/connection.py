"""The client of a registry that is a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.registry import Limits, ModelArtsRegistry

if TYPE_CHECKING:
    from reconciler.app.access import Access
    from reconciler.registry import RegistryAuth
    from reconciler.registry.transport import Observed

_CONNECTING = 10.0  # seconds at most for a connection, TLS included


def client(
    access: Access,
    auth: RegistryAuth,
    *,
    observed: Observed | None = None,
    blocks: bool = False,
) -> ModelArtsRegistry:
    """A client, which the caller closes.

    Args:
        access: how the registry is reached.
        auth: the flow of every request.
        observed: told of each request.
        blocks: whether nothing else runs in the event loop, so that a request may stop it.

    Raises:
        ConfigurationError: the endpoint or the project cannot be used.
    """
    from reconciler.registry.blocking import blocking  # noqa: PLC0415 - loads httpx

    limits = Limits(
        page_size=access.page_size,
        concurrency=access.in_flight,
        rate=access.rate,
        burst=max(1, int(access.rate)),
        read_rate=access.read_rate,
        deadline=access.timeout,
        connect_timeout=min(access.timeout, _CONNECTING),
    )
    return ModelArtsRegistry(
        access.endpoint,
        access.project_id,
        auth=auth,
        workspace_id=access.workspace_id,
        limits=limits,
        observed=observed,
        transport=blocking(access.endpoint, auth) if blocks else None,
    )
