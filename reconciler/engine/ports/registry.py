"""Where models are registered, and what is known of them before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import Created, ObservedModel
    from reconciler.engine.vendor import Vendor
    from reconciler.manifest import Manifest, Reason


class Registry(Protocol):
    """One project of one model registry."""

    @property
    def vendor(self) -> Vendor:
        """Whose registry it is: known before it can be reached."""

    async def list_models(self) -> Sequence[ObservedModel]:
        """Every model of the project, each id once."""

    async def find(self, pair: ModelKey) -> Sequence[ObservedModel]:
        """The models whose name and version are exactly these (none or one, unless the registry errs)."""

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        """The vendor's detail of one model, as it came. Raises NotFound."""

    async def create(self, request: Mapping[str, Any], intent: Callable[[], Awaitable[None]]) -> Created:
        """Sends one import call, once.

        Args:
            request: the body.
            intent: awaited once, after the rate limit, a free slot and a login have been waited for, and
                directly before the call is sent; what it raises is raised, and nothing is sent. The call's
                timeout runs from before it. Not awaited when it is known already that nothing will be sent.

        Raises:
            AlreadyExists: the pair is taken.
            Rejected: not made, and never will be as it stands.
            RegistryUnavailable: certainly not made; may be tried later (`retry_after` seconds if said).
            OutcomeUnknown: may or may not have been made.
            Unauthorised: certainly not made; the whole target stops.
            RegistryError: certainly not made: the endpoint or the project is wrong.
        """

    async def delete(self, model_id: str) -> None:
        """Deletes one model; a model that does not exist is success. Raises Rejected when refused."""

    async def aclose(self) -> None:
        """Closes connections; safe to call twice."""


class Preflight(Protocol):
    """Looks at what an import would make a model from, before it is asked for."""

    async def __call__(self, manifest: Manifest) -> tuple[Reason, ...]:
        """Doubts as warnings, and what must stop the import as errors. Raises ConfigurationError."""
