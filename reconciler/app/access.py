"""How the registry of a target is reached: plain, so that it can be noted, and without the credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reconciler.settings import ModelArtsTarget


class Access(NamedTuple):
    """How one target's registry is reached; all times in seconds."""

    endpoint: str
    project_id: str
    workspace_id: str
    page_size: int
    in_flight: int
    rate: float
    read_rate: float
    timeout: float


def access_of(target: ModelArtsTarget) -> Access:
    """How the registry of a target is reached."""
    return Access(
        target.endpoint,
        target.project_id,
        target.workspace_id,
        target.page_size,
        target.in_flight,
        target.rate,
        target.read_rate,
        target.timeout.total_seconds(),
    )
