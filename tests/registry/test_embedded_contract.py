"""The client and the registry that ships with the package agree, whatever the documents leave open."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.contract.model_key import ModelKey
from reconciler.embedded import AccountKeys, EmbeddedSettings, User, create_app, running
from reconciler.errors import AlreadyExists, NotFound, RegistryError, Rejected, Unauthorised
from reconciler.registry import (
    AccessKeyAuth,
    Limits,
    ModelArtsRegistry,
    PasswordAuth,
    RegistryAuth,
    TokenAuth,
)
from reconciler.secret import GivenSecret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PROJECT = "77b6a44cba5143ab91d13ab9a8ff44fd"
REQUEST = {
    "model_name": "手写_a",
    "model_version": "1.0.0",
    "model_type": "TensorFlow",
    "source_location": "https://models.obs.cn-north-4.myhuaweicloud.com/mnist",
    "description": "手写 数字 ~",
}


def _use(
    url: str,
    use: Callable[[ModelArtsRegistry], Awaitable[Any]],
    auth: RegistryAuth | None = None,
    **settings: Any,
) -> Any:
    async def main() -> Any:
        limits = Limits(page_size=7, backoff=0.01, deadline=20)
        registry = ModelArtsRegistry(url, PROJECT, auth=auth or RegistryAuth(), limits=limits, **settings)
        try:
            return await use(registry)
        finally:
            await registry.aclose()

    return asyncio.run(main())


async def _life_of_a_model(registry: ModelArtsRegistry) -> None:
    pair = ModelKey(REQUEST["model_name"], REQUEST["model_version"])
    assert await registry.find(pair) == []
    made = await registry.create(REQUEST)
    assert made.request_id
    with pytest.raises(AlreadyExists):
        await registry.create(REQUEST)
    (model,) = await registry.find(pair)
    assert (model.model_id, model.pair) == (made.model_id, pair)
    detail = await registry.detail(made.model_id)
    assert detail["description"] == REQUEST["description"]
    await registry.delete(made.model_id)
    await registry.delete(made.model_id)
    with pytest.raises(NotFound):
        await registry.detail(made.model_id)


@pytest.mark.parametrize(
    "settings",
    [
        {"offset_mode": "page"},
        {"offset_mode": "item"},
        {"offset_mode": "page", "total_count": "zero", "sparse_items": True},
        {"offset_mode": "item", "total_count": "zero", "exact_match": "equal"},
    ],
)
def test_every_open_question_of_the_documents_is_answered_either_way(settings: dict[str, Any]) -> None:
    """Paging, totals, sparse items and exact_match: the client passes under each value."""

    async def use(registry: ModelArtsRegistry) -> None:
        await _life_of_a_model(registry)
        names = ["a_b", "axb", "a_b_c", *(f"m{number}" for number in range(20))]
        await asyncio.gather(*(registry.create(REQUEST | {"model_name": name}) for name in names))
        models = await registry.list_models()
        assert sorted(model.pair.model_name for model in models) == sorted(names)
        matches = await registry.find(ModelKey("a_b", "1.0.0"))
        assert [model.pair.model_name for model in matches] == ["a_b"]

    with running(EmbeddedSettings(**settings)) as url:
        _use(url, use)


def test_it_is_reached_in_process_without_a_socket() -> None:
    """An ASGI transport instead of a connection."""
    app = create_app(EmbeddedSettings())
    try:
        _use("http://localhost", _life_of_a_model, transport=httpx.ASGITransport(app))
    finally:
        app.state.close()


CREDENTIALS = AccountKeys(
    access_keys={"AK-1": "SK-1", "AK-2": "SK-2"},
    security_tokens={"AK-2": "ST-2"},
    users=(User("ci", "pw", "acme"),),
)
GUARDED = EmbeddedSettings(auth=CREDENTIALS, projects={"cn-north-4": PROJECT})


@pytest.mark.parametrize(
    "make",
    [
        lambda _: AccessKeyAuth(GivenSecret("AK-1"), GivenSecret("SK-1"), project_id=PROJECT),
        lambda _: AccessKeyAuth(
            GivenSecret("AK-2"), GivenSecret("SK-2"), security_token=GivenSecret("ST-2"), project_id=PROJECT
        ),
        lambda url: PasswordAuth(url, "ci", GivenSecret("pw"), domain="acme", scope="cn-north-4"),
    ],
    ids=["aksk", "temporary aksk", "password"],
)
def test_each_way_to_log_in_carries_the_whole_life_of_a_model(make: Callable[[str], RegistryAuth]) -> None:
    """Signatures and tokens are checked by the other side, over a real socket."""
    with running(GUARDED) as url:
        _use(url, _life_of_a_model, make(url))


@pytest.mark.parametrize(
    "make",
    [
        lambda _: AccessKeyAuth(GivenSecret("AK-1"), GivenSecret("wrong")),
        lambda _: AccessKeyAuth(GivenSecret("AK-9"), GivenSecret("SK-1")),
        lambda _: TokenAuth(GivenSecret("no-such-token")),
        lambda _: RegistryAuth(),
        lambda url: PasswordAuth(url, "ci", GivenSecret("wrong"), domain="acme", scope="cn-north-4"),
    ],
    ids=["wrong secret", "unknown key", "unknown token", "nothing", "wrong password"],
)
def test_wrong_credentials_are_unauthorised(make: Callable[[str], RegistryAuth]) -> None:
    """One error class, whatever is wrong."""
    with running(GUARDED) as url, pytest.raises(Unauthorised):
        _use(url, lambda registry: registry.list_models(), make(url))


def test_a_clock_that_is_off_is_told_as_such() -> None:
    """Case 42: twenty minutes are outside the window; the advice names the clock."""
    late = AccessKeyAuth(
        GivenSecret("AK-1"), GivenSecret("SK-1"), now=lambda: datetime.now(UTC) - timedelta(minutes=20)
    )
    with running(GUARDED) as url, pytest.raises(Unauthorised, match="clock"):
        _use(url, lambda registry: registry.list_models(), late)


def test_an_unknown_project_and_a_bad_request_are_told_apart() -> None:
    """A wrong project stops the target; a wrong field holds one model, and is named."""
    with (
        running(EmbeddedSettings(projects={"other": "0" * 32})) as url,
        pytest.raises(RegistryError) as caught,
    ):
        _use(url, lambda registry: registry.list_models())
    assert "project" in str(caught.value)
    with running(EmbeddedSettings()) as url, pytest.raises(Rejected, match="model_type"):
        _use(url, lambda registry: registry.create(REQUEST | {"model_type": "ONNX"}))


def test_a_model_in_use_is_not_deleted_and_the_reason_is_told() -> None:
    """Case 36 over the wire: 200, and refused."""

    async def use(registry: ModelArtsRegistry) -> None:
        made = await registry.create(REQUEST)
        with pytest.raises(Rejected, match="service"):
            await registry.delete(made.model_id)

    with running(EmbeddedSettings(in_use_pattern="*")) as url:
        _use(url, use)
