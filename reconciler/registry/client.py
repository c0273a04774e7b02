"""The client: one project of one ModelArts-compatible registry, as the engine asks for it."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import quote

from reconciler.contract.signing import encode_query
from reconciler.engine.values import Created
from reconciler.errors import NotFound, OutcomeUnknown, RegistryError, RegistryUnavailable, Rejected
from reconciler.phrases import many
from reconciler.printable import one_line
from reconciler.registry.endpoint import parse_endpoint, parse_project
from reconciler.registry.exchange import MESSAGE_LIMIT, Request, Response, classify
from reconciler.registry.limits import Limits
from reconciler.registry.paging import EndlessList, Paginator
from reconciler.registry.vendor import (
    MODELARTS,
    NEW,
    InvalidResponse,
    ModelPage,
    created_id,
    is_model_id,
    json_object,
    page,
    refused_deletion,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    import httpx
    from starlette.types import ASGIApp

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import ObservedModel
    from reconciler.registry.auth import RegistryAuth
    from reconciler.registry.transport import Observed

DEFAULT_WORKSPACE = "0"
T = TypeVar("T")

_log = logging.getLogger(__name__)  # which also a command without a log tells on standard error


def in_process(application: ASGIApp) -> httpx.AsyncBaseTransport:
    """A transport to a registry in this process, without a socket."""
    import httpx  # noqa: PLC0415 - slow

    return httpx.ASGITransport(application)


async def _nothing() -> None:
    """The default of `intent`, which writes nothing."""


class ModelArtsRegistry:
    """Implements `reconciler.engine.ports.Registry`; use it from one event loop, and close it."""

    vendor = MODELARTS

    def __init__(  # noqa: PLR0913 - what a target consists of
        self,
        endpoint: str,
        project_id: str,
        *,
        auth: RegistryAuth,
        workspace_id: str = DEFAULT_WORKSPACE,
        limits: Limits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        observed: Observed | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A registry that is not connected yet.

        Args:
            endpoint: `https://modelarts.<region>.<domain>`; `http://` for loopback only.
            project_id: the vendor's project id.
            auth: who the client is.
            workspace_id: the workspace whose models are seen and into which models are imported.
            limits: how much, how fast and how long; the defaults where None.
            transport: what carries the requests instead of sockets, such as `httpx.ASGITransport`.
            observed: told of each request: its method, the status of the answer (None where none came), and
                the seconds until that.
            sleep: how a pause is made.
            chance: a random number of [0, 1), for jitter.
            clock: seconds that only ever grow; pauses are measured on it.

        Raises:
            ConfigurationError: endpoint or project id cannot be used.
        """
        from reconciler.registry.http_session import HttpSession  # noqa: PLC0415 - loads httpx

        base = parse_endpoint(endpoint)
        prefix = quote(base.path.rstrip("/"), safe="/~")
        self._models = f"{prefix}/v1/{parse_project(project_id)}/models"
        self._workspace_id = workspace_id
        self._limits = limits or Limits()
        self._session = HttpSession(
            base,
            auth,
            self._limits,
            transport=transport,
            observed=observed,
            sleep=sleep,
            chance=chance,
            clock=clock,
        )

    async def list_models(self) -> Sequence[ObservedModel]:
        """Every model of the project's workspace, each id once."""
        return await self._paginated([], one_model=False)

    async def find(self, pair: ModelKey) -> Sequence[ObservedModel]:
        """The models whose name and version are exactly these; the server's filter is fuzzy."""
        query = [
            ("model_name", pair.model_name),
            ("model_version", pair.model_version),
            ("exact_match", "true"),
        ]
        return [model for model in await self._paginated(query, one_model=True) if model.pair == pair]

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        """The vendor's detail of one model, as it came."""
        return await self._read(self._about("GET", model_id), json_object)

    async def create(
        self, request: Mapping[str, Any], intent: Callable[[], Awaitable[None]] = _nothing
    ) -> Created:
        """Sends one import call, once; repeated only after a documented proof that it was not executed."""
        call = Request("POST", self._models, write=True, one_model=True)
        call = replace(call, body=self._body(call, request))
        answer = await self._session.send(call, intent)
        try:
            return Created(created_id(answer), answer.request_id, NEW, MODELARTS.stage(NEW))
        except InvalidResponse as error:
            _unusable(call, answer, error)

    async def delete(self, model_id: str) -> None:
        """Deletes one model, and no other version of it."""
        call = self._about("DELETE", model_id, "cascade=false")
        try:
            answer = await self._session.send(call)
        except NotFound:
            return
        try:
            refusal = refused_deletion(answer, model_id)
        except InvalidResponse as error:
            _unusable(call, answer, error)
        if refusal is not None:
            self._refuse_deletion(call, answer, refusal)

    async def aclose(self) -> None:
        """Closes all connections; safe to call twice."""
        await self._session.aclose()

    def _refuse_deletion(self, call: Request, answer: Response, refusal: Mapping[str, Any]) -> None:
        body = json.dumps({**refusal, "error": "no reason given"}).encode()
        error = classify(call, _REFUSED, answer.headers, body, redact=self._session.redact)
        if isinstance(error, NotFound):
            return
        error.status = answer.status
        raise error

    def _about(self, method: str, model_id: str, query: str = "") -> Request:
        if not is_model_id(model_id):
            request = Request(method, f"{self._models}/…")
            raise request.error(NotFound, f"{one_line(model_id, 80)!r} is not the id of a model")
        return Request(method, f"{self._models}/{quote(model_id, safe='')}", query, one_model=True)

    async def _read(self, call: Request, meaning: Callable[[Response], T]) -> T:
        """What a read was answered; an answer that cannot be understood is asked for once more."""
        try:
            return meaning(await self._session.send(call))
        except InvalidResponse:
            answer = await self._session.send(call)
        try:
            return meaning(answer)
        except InvalidResponse as error:
            _unusable(call, answer, error)

    def _body(self, call: Request, request: Mapping[str, Any]) -> bytes:
        body = dict(request)
        if self._workspace_id != DEFAULT_WORKSPACE:
            named = body.setdefault("workspace_id", self._workspace_id)
            if named != self._workspace_id:
                raise call.error(
                    Rejected,
                    f"workspace_id {str(named)[:64]!r} is not the target's {self._workspace_id!r}: leave it "
                    "out, or move the manifest to a target of that workspace",
                )
        try:
            return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        except ValueError as error:
            message = f"the request cannot be written as JSON: {one_line(str(error), MESSAGE_LIMIT)}"
            raise call.error(Rejected, message) from None

    async def _paginated(
        self, parameters: Sequence[tuple[str, str]], *, one_model: bool
    ) -> Sequence[ObservedModel]:
        if self._workspace_id != DEFAULT_WORKSPACE:
            parameters = [*parameters, ("workspace_id", self._workspace_id)]
        always = [*parameters, ("order", "asc"), ("limit", str(self._limits.page_size))]

        async def fetch(offset: int) -> ModelPage:
            query = encode_query([*always, ("offset", str(offset))])
            return await self._read(Request("GET", self._models, query, one_model=one_model), page)

        paginator = Paginator(fetch, self._limits.page_size, self._limits.max_pages)
        try:
            models = await paginator.models()
        except EndlessList:
            raise Request("GET", self._models).error(
                RegistryError,
                f"the list of models did not end after {many(self._limits.max_pages, 'page')}: "
                "raise max_pages if there are so many models",
            ) from None
        if paginator.skipped:
            skipped = many(paginator.skipped, "item")
            _log.warning("%s listed %s without id, name or version", self._models, skipped)
        if paginator.missing:
            _log.warning("%s counts %s more than it lists", self._models, many(paginator.missing, "model"))
        return models


_REFUSED = 400
"""The status a refusal inside a successful answer is judged by, where its code is not known."""


def _unusable(call: Request, answer: Response, error: InvalidResponse) -> NoReturn:
    kind: type[RegistryError] = OutcomeUnknown if call.write else RegistryUnavailable
    message = f"{error}; check that endpoint is the registry's, without a proxy page in between"
    raise call.error(kind, message, status=answer.status, request_id=answer.request_id) from None
