"""What each kind of target is opened by: a line of `KINDS` for each `kind` that a configuration may give."""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.app.credentials import auth_of, keys_of
from reconciler.app.idle_note import access_of
from reconciler.registry import CredentialCooldown, Limits, ModelArtsRegistry, RegistryAuth
from reconciler.registry.client import in_process
from reconciler.registry.vendor import MODELARTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from reconciler.app.idle_note import Access
    from reconciler.engine.ports import Registry
    from reconciler.engine.vendor import Vendor
    from reconciler.registry.transport import Observed
    from reconciler.settings import Configuration, EmbeddedTarget, ModelArtsTarget

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
    from reconciler.registry.transport import blocking  # noqa: PLC0415 - loads httpx

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


_EMBEDDED_PROJECT = "embedded"
_NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Opening:
    """How a registry is opened.

    Attributes:
        acts: whether it is written to; without, nothing at all is created.
        cooldown: which credentials were refused, shared by all targets of a process.
    """

    acts: bool
    cooldown: CredentialCooldown = field(default_factory=CredentialCooldown)
    observed: Observed | None = None


@dataclass(frozen=True, slots=True)
class TargetKind:
    """The registries of one kind; all times in seconds.

    Attributes:
        open: gives the client of one target's registry, which is closed at the end of the context.
        follow: the first wait between two looks at an unfinished import, unless `follow.first` says so.
        settle: how long a new model may take to be listed, unless `follow.settle` says so.
        fresh: how long after its intent an import call may be sent.
        access: from a target's table, how its registry is reached, so that its list can be looked at before
            the settings are read; None where it takes them.
    """

    vendor: Vendor
    open: Callable[[Configuration, str, Any, Opening], AbstractAsyncContextManager[Registry]]
    follow: float
    settle: float
    fresh: float
    access: Callable[[Any], Access | None] = lambda _: None


@asynccontextmanager
async def _embedded(
    configuration: Configuration, name: str, target: EmbeddedTarget, how: Opening
) -> AsyncIterator[Registry]:
    """A registry inside this process, reached without a socket, as fast as it answers.

    A command that only looks does not create a database: what is not there is empty.
    """
    from reconciler.embedded import EmbeddedSettings, create_app  # noqa: PLC0415 - only for such a target

    database = configuration.embedded_database(name)
    application = create_app(
        EmbeddedSettings(
            database=database if how.acts or _exists(database) else None,
            edition=target.edition,
            publish_seconds=target.publish_seconds,
        )
    )
    with closing(application.state):
        registry = ModelArtsRegistry(
            "http://localhost",
            _EMBEDDED_PROJECT,
            auth=RegistryAuth(),
            limits=Limits(concurrency=target.in_flight, rate=_NO_LIMIT, burst=_NO_LIMIT),
            transport=in_process(application),
            observed=how.observed,
        )
        async with aclosing(registry):
            yield registry


def _exists(file: Path) -> bool:
    return os.path.exists(file)  # noqa: PTH110 - raises nothing


@asynccontextmanager
async def _modelarts(
    configuration: Configuration, name: str, target: ModelArtsTarget, how: Opening
) -> AsyncIterator[Registry]:
    """A project of a service. Raises ConfigurationError where the section cannot be used."""
    access, table = access_of(target), f"targets.{name}"
    with configuration.located("targets", name, "auth", table=table):
        auth = auth_of(configuration.base, target.project_id, keys_of(target.auth), how.cooldown)
    with configuration.located("targets", name, table=table):
        registry = client(access, auth, observed=how.observed)
    async with aclosing(registry):
        yield registry


KINDS: Mapping[str, TargetKind] = {
    "embedded": TargetKind(MODELARTS, _embedded, follow=0.2, settle=0.2, fresh=0.0),
    # an import takes the service half a minute at the least
    "modelarts": TargetKind(
        MODELARTS, _modelarts, follow=5.0, settle=5.0, fresh=Limits().fresh, access=access_of
    ),
}


def kind_of(configuration: Configuration, name: str) -> TargetKind:
    """What the target of this name is."""
    return KINDS[configuration.settings.targets[name].kind]


def registry_of(
    configuration: Configuration, name: str, how: Opening
) -> AbstractAsyncContextManager[Registry]:
    """The client of one target's registry."""
    return kind_of(configuration, name).open(configuration, name, configuration.settings.targets[name], how)
