"""The targets' registries: how each kind is opened, whether its list is as it was, and what fails alone.

`KINDS` has a line for each `kind` that a configuration may give.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.app.credentials import auth_of, keys_of
from reconciler.app.noop import access_of
from reconciler.engine.isolation import crash_as_failure
from reconciler.engine.values.models import list_digest
from reconciler.errors import Exit, ReconcilerError, RegistryError, TargetUnusable
from reconciler.registry import CredentialCooldown, Limits, ModelArtsRegistry, RegistryAuth
from reconciler.registry.client import in_process
from reconciler.registry.endpoint import parse_endpoint, parse_project
from reconciler.registry.vendor import MODELARTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from reconciler.app.noop import Access
    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports import Registry
    from reconciler.engine.values import Created, ObservedModel
    from reconciler.engine.vendor import Vendor
    from reconciler.registry.transport import Observed
    from reconciler.settings import Configuration, EmbeddedTarget, ModelArtsTarget
    from reconciler.settings.raw import RawConfiguration

_CONNECTING = 10.0  # seconds at most for a connection, TLS included
_PATIENCE = 2.0  # seconds for a look at lists; what takes longer is left to a cycle, with its own deadlines
_EMBEDDED_PROJECT = "embedded"
_NO_LIMIT = 1_000_000


def client(
    access: Access, auth: RegistryAuth, *, observed: Observed | None = None, blocks: bool = False
) -> ModelArtsRegistry:
    """A client, which the caller closes.

    `blocks` says that nothing else runs in the event loop, so that a request may stop it.

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
        check: looks at a target's table before the state remembers which registry that is; raises
            ConfigurationError.
    """

    vendor: Vendor
    open: Callable[[Configuration, str, Any, Opening], contextlib.AbstractAsyncContextManager[Registry]]
    follow: float
    settle: float
    fresh: float
    access: Callable[[Any], Access | None] = lambda _: None
    check: Callable[[Any], None] = lambda _: None


@contextlib.asynccontextmanager
async def _embedded(
    configuration: Configuration, name: str, target: EmbeddedTarget, how: Opening
) -> AsyncIterator[Registry]:
    """A registry inside this process, reached without a socket, as fast as it answers.

    A command that only looks does not create a database: what is not there is empty.
    """
    from reconciler.embedded import EmbeddedSettings, create_app  # noqa: PLC0415 - only for such a target

    database = target.database_file(name, configuration.base, configuration.state_dir)
    application = create_app(
        EmbeddedSettings(
            database=database if how.acts or _exists(database) else None,
            edition=target.edition,
            publish_seconds=target.publish_seconds,
        )
    )
    with contextlib.closing(application.state):
        registry = ModelArtsRegistry(
            "http://localhost",
            _EMBEDDED_PROJECT,
            auth=RegistryAuth(),
            limits=Limits(concurrency=target.in_flight, rate=_NO_LIMIT, burst=_NO_LIMIT),
            transport=in_process(application),
            observed=how.observed,
        )
        async with contextlib.aclosing(registry):
            yield registry


def _exists(file: Path) -> bool:
    return os.path.exists(file)  # noqa: PTH110 - raises nothing


@contextlib.asynccontextmanager
async def _modelarts(
    configuration: Configuration, name: str, target: ModelArtsTarget, how: Opening
) -> AsyncIterator[Registry]:
    """A project of a service. Raises ConfigurationError where the section cannot be used."""
    access, table = access_of(target), f"targets.{name}"
    with configuration.located("targets", name, "auth", table=table):
        auth = auth_of(configuration.base, target.project_id, keys_of(target.auth), how.cooldown)
    with configuration.located("targets", name, table=table):
        registry = client(access, auth, observed=how.observed)
    async with contextlib.aclosing(registry):
        yield registry


def _check_modelarts(target: ModelArtsTarget) -> None:
    parse_endpoint(target.endpoint)
    parse_project(target.project_id)


KINDS: Mapping[str, TargetKind] = {
    "embedded": TargetKind(MODELARTS, _embedded, follow=0.2, settle=0.2, fresh=0.0),
    # an import takes the service half a minute at the least
    "modelarts": TargetKind(
        MODELARTS,
        _modelarts,
        follow=5.0,
        settle=5.0,
        fresh=Limits().fresh,
        access=access_of,
        check=_check_modelarts,
    ),
}


def kind_of(configuration: Configuration, name: str) -> TargetKind:
    """What the target of this name is."""
    return KINDS[configuration.settings.targets[name].kind]


def registry_of(
    configuration: Configuration, name: str, how: Opening
) -> contextlib.AbstractAsyncContextManager[Registry]:
    """The client of one target's registry."""
    return kind_of(configuration, name).open(configuration, name, configuration.settings.targets[name], how)


def are_as_listed(
    raw: RawConfiguration, services: Mapping[str, Access | None], lists: Mapping[str, str]
) -> tuple[bool, CredentialCooldown]:
    """Whether each of these targets' registries still has the list with this digest.

    False also where one does not answer: the cycle that follows finds out why, and says so. What was refused
    meanwhile is given too, so that it does not send a wrong key again.

    The credentials are those of `raw`; `services` says how registries are reached, None where that is not
    known, and `lists` the digests.
    """
    cooldown = CredentialCooldown()

    async def is_as_listed(name: str) -> bool:
        access, keys = services[name], raw.table("targets", name, "auth")
        # the note lies where others may write: a secret goes nowhere but where the configuration says
        if access is None or keys is None or raw.text("targets", name, "endpoint") != access.endpoint:
            return False
        auth = auth_of(raw.base, access.project_id, keys.get, cooldown)
        soon = access._replace(timeout=min(access.timeout, _PATIENCE))
        async with contextlib.aclosing(client(soon, auth, blocks=len(lists) == 1)) as registry:
            return list_digest(await registry.list_models()) == lists[name]

    async def all_are() -> bool:
        async with asyncio.timeout(_PATIENCE):
            return all(await asyncio.gather(*map(is_as_listed, lists)))

    try:
        is_same = asyncio.run(all_are())
    except (ReconcilerError, TimeoutError):
        is_same = False
    return is_same, cooldown.handed_on()


@dataclass(slots=True)
class LazyRegistry:
    """Implements `reconciler.engine.ports.Registry` by one that is opened when it is first used.

    Every method raises TargetUnusable as long as it cannot be opened.
    """

    vendor: Vendor
    open: Callable[[], contextlib.AbstractAsyncContextManager[Registry]]
    _registry: Registry | None = None
    _closing: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def opened(self) -> Registry:
        """The registry itself. Raises TargetUnusable."""
        if self._registry is None:
            try:
                self._registry = await self._closing.enter_async_context(self.open())
            except ReconcilerError as error:
                raise TargetUnusable(str(error), Exit(error.exit_code)) from error
            except Exception as error:
                message = f"it cannot be opened: unexpected {type(error).__name__}"
                raise TargetUnusable(message, Exit.UNAVAILABLE) from error
        return self._registry

    async def list_models(self) -> Sequence[ObservedModel]:
        """As the port says."""
        return await (await self.opened()).list_models()

    async def find(self, pair: ModelKey) -> Sequence[ObservedModel]:
        """As the port says."""
        return await (await self.opened()).find(pair)

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        """As the port says."""
        return await (await self.opened()).detail(model_id)

    async def create(self, request: Mapping[str, Any], intent: Callable[[], Awaitable[None]]) -> Created:
        """As the port says."""
        return await (await self.opened()).create(request, intent)

    async def delete(self, model_id: str) -> None:
        """As the port says."""
        await (await self.opened()).delete(model_id)

    async def aclose(self) -> None:
        """Closes what was opened; safe to call twice."""
        self._registry = None
        await self._closing.aclose()


@contextlib.contextmanager
def failure_told(target: str) -> Iterator[None]:
    """Turns what goes wrong with a registry into a failure with the name of the target, as a cycle does.

    Raises:
        TargetUnusable: the registry could not be asked, or an error was not expected.
    """
    try:
        with crash_as_failure(target):
            yield
    except (RegistryError, TargetUnusable) as error:
        raise TargetUnusable(f"target {target}: {error}", error.exit_code) from error
