"""The registry that misbehaves on purpose, and what the real client makes of it, over real sockets."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.contract import ModelKey
from reconciler.embedded import (
    AccountKeys,
    EmbeddedSettings,
    Faults,
    User,
    create_app,
    running,
)
from reconciler.errors import (
    AlreadyExists,
    NotFound,
    OutcomeUnknown,
    RegistryUnavailable,
)
from reconciler.registry import Limits, ModelArtsRegistry, PasswordAuth, RegistryAuth
from reconciler.secret import GivenSecret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

PROJECT = "77b6a44cba5143ab91d13ab9a8ff44fd"
A = ModelKey("a", "1.0.0")
LIMITS: dict[str, Any] = {"backoff": 0.01, "longest_pause": 0.05, "deadline": 5.0, "rate": 10_000.0}


def request(name: str = "a") -> dict[str, str]:
    return {
        "model_name": name,
        "model_version": "1.0.0",
        "model_type": "TensorFlow",
        "source_location": "https://models.obs.myhwclouds.com/a",
    }


def met(
    faults: Faults,
    use: Callable[[ModelArtsRegistry], Awaitable[Any]],
    limits: dict[str, Any] | None = None,
    **settings: Any,
) -> Any:
    """What a client does that meets a registry with these faults."""

    async def main(url: str) -> Any:
        chosen = Limits(**LIMITS | (limits or {}))
        registry = ModelArtsRegistry(url, PROJECT, auth=RegistryAuth(), limits=chosen)
        try:
            return await use(registry)
        finally:
            await registry.aclose()

    with running(EmbeddedSettings(faults=faults, **settings)) as url:
        return asyncio.run(main(url))


def script(*rules: dict[str, Any], **more: Any) -> Faults:
    return Faults.model_validate({"rules": rules, **more})


async def names(registry: ModelArtsRegistry) -> list[str]:
    return sorted(model.pair.model_name for model in await registry.list_models())


ANSWER_LOST: list[dict[str, Any]] = [
    {"action": "drop"},
    *({"action": "reply", "status": status} for status in (500, 502, 504)),
    *({"action": "spoil", "how": how} for how in ("cut", "truncated", "malformed", "html")),
    {"action": "slow", "part": "head", "seconds": 0.8},
    {"action": "slow", "part": "body", "seconds": 0.8},
]


@pytest.mark.parametrize("fault", ANSWER_LOST, ids=lambda fault: "-".join(map(str, fault.values())))
def test_an_import_that_was_made_and_whose_answer_is_lost_is_an_unknown_outcome(
    fault: dict[str, Any],
) -> None:
    """Whatever became of the answer; and an import of the same pair then meets its own earlier one: 409."""

    async def use(registry: ModelArtsRegistry) -> None:
        with pytest.raises(OutcomeUnknown):
            await registry.create(request())
        (model,) = await registry.find(A)
        assert model.pair == A
        with pytest.raises(AlreadyExists):
            await registry.create(request())

    met(script({"method": "POST", "times": 1} | fault), use, {"deadline": 0.4})


def test_an_import_whose_connection_ends_before_it_is_carried_out_is_unknown_too() -> None:
    """The client cannot tell the difference; only looking can."""

    async def use(registry: ModelArtsRegistry) -> None:
        with pytest.raises(OutcomeUnknown):
            await registry.create(request())
        assert await registry.find(A) == []

    met(script({"method": "POST", "action": "drop", "moment": "before"}), use)


@pytest.mark.parametrize("fault", ANSWER_LOST, ids=lambda fault: "-".join(map(str, fault.values())))
def test_a_read_whose_answer_is_spoilt_once_is_an_error_or_repeated_and_never_believed(
    fault: dict[str, Any],
) -> None:
    """A list is either the whole list or an error."""

    async def use(registry: ModelArtsRegistry) -> None:
        await registry.create(request())
        try:
            assert await names(registry) == ["a"]
        except RegistryUnavailable:
            assert await names(registry) == ["a"]

    met(script({"method": "GET", "times": 1} | fault), use, {"deadline": 0.4})


def test_an_import_that_meets_a_storm_of_refusals_is_made_once_and_after_the_pause_asked_for() -> None:
    """429 with Retry-After: certainly not made, and asked again only after that time."""
    storm = {"method": "POST", "action": "reply", "status": 429, "moment": "before", "times": 2}

    async def use(registry: ModelArtsRegistry) -> float:
        started = time.monotonic()
        await registry.create(request())
        assert await names(registry) == ["a"]
        return time.monotonic() - started

    asked = storm | {"code": "APIGW.0308", "retry_after": "1"}
    assert met(script(asked), use) >= 2.0
    met(script(storm), use)


def test_a_storm_that_does_not_end_is_certainly_not_made() -> None:
    """So that it may be postponed, which an unknown outcome may not."""

    async def use(registry: ModelArtsRegistry) -> None:
        with pytest.raises(RegistryUnavailable):
            await registry.create(request())
        assert await names(registry) == []

    met(script({"method": "POST", "action": "reply", "status": 429, "moment": "before"}), use)


def test_a_call_may_be_carried_out_after_its_connection_has_ended() -> None:
    """Unknown, and not made when one looks at once; made some time later."""

    async def use(registry: ModelArtsRegistry) -> None:
        with pytest.raises(OutcomeUnknown):
            await registry.create(request())
        assert await registry.find(A) == []
        for _ in range(100):
            if await registry.find(A):
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the call was not carried out")

    met(script({"method": "POST", "times": 1, "action": "late", "seconds": 1.0}), use)


def test_a_new_model_may_show_in_lists_later_than_by_its_id() -> None:
    """Eventual consistency, on request."""

    async def use(registry: ModelArtsRegistry) -> None:
        made = await registry.create(request())
        assert await registry.find(A) == []
        assert (await registry.detail(made.model_id))["model_name"] == "a"
        await asyncio.sleep(0.4)
        assert len(await registry.find(A)) == 1

    met(script(visible_after=0.3), use)


def test_a_taken_pair_is_no_obstacle_where_the_script_says_so(tmp_path: Path) -> None:
    """A registry that does not promise uniqueness: only the client stands between it and duplicates."""

    async def use(registry: ModelArtsRegistry) -> None:
        await registry.create(request())
        await registry.create(request())
        assert len(await registry.find(A)) == 2

    met(script(accept_duplicates=True), use, database=tmp_path / "registry.db")


@pytest.mark.parametrize(("how", "left"), [("delete", 7), ("move", 8)])
def test_a_list_that_shifts_while_it_is_read_is_read_again_and_hides_nobody(how: str, left: int) -> None:
    """Pages are counted anew by the server for each call."""

    async def use(registry: ModelArtsRegistry) -> None:
        for number in range(8):
            await registry.create(request(f"m{number}"))
        seen = await names(registry)
        assert set(await names(registry)) <= set(seen)
        assert len(await names(registry)) == left

    shift = {"method": "GET", "skip": 1, "times": 1, "action": "meddle", "how": how, "most": 1}
    met(script(shift), use, {"page_size": 3})


def test_a_model_may_be_changed_or_deleted_by_somebody_else_in_between() -> None:
    """The next look shows it."""

    async def use(registry: ModelArtsRegistry) -> None:
        made = await registry.create(request())
        assert (await registry.detail(made.model_id))["description"] == "changed by somebody else"
        with pytest.raises(NotFound):
            await registry.detail(made.model_id)

    change = {"method": "GET", "action": "meddle", "how": "change", "times": 1, "models": "a*"}
    met(script(change, {"method": "GET", "action": "meddle", "how": "delete", "skip": 1}), use)


def test_a_token_that_expires_between_two_calls_is_renewed_and_nothing_is_lost() -> None:
    """One new login, and the call goes on."""
    users = AccountKeys(users=(User("ci", "pw", "acme"),))
    logins = script({"method": "GET", "path": "*/models", "skip": 1, "times": 1, "action": "expire-tokens"})

    async def main(url: str) -> list[str]:
        auth = PasswordAuth(url, "ci", GivenSecret("pw"), domain="acme", scope="cn-north-4")
        registry = ModelArtsRegistry(url, PROJECT, auth=auth, limits=Limits(**LIMITS))
        try:
            await registry.create(request())
            await registry.list_models()
            return await names(registry)
        finally:
            await registry.aclose()

    settings = EmbeddedSettings(faults=logins, auth=users, projects={"cn-north-4": PROJECT})
    with running(settings) as url:
        assert asyncio.run(main(url)) == ["a"]


def test_a_rule_acts_on_the_calls_it_is_about_and_on_no_others() -> None:
    """By method, path, name, and how many matched before."""
    due = {"method": "POST", "path": "/v1/*/models", "name": "b*", "skip": 1, "times": 1, "action": "drop"}

    async def use(registry: ModelArtsRegistry) -> None:
        await registry.create(request("a"))
        await registry.create(request("b1"))
        with pytest.raises(OutcomeUnknown):
            await registry.create(request("b2"))
        await registry.create(request("b3"))
        assert await names(registry) == ["a", "b1", "b2", "b3"]

    met(script(due), use)


def test_the_same_seed_throws_the_same_dice() -> None:
    """A run can be repeated."""

    async def use(registry: ModelArtsRegistry) -> list[bool]:
        lost = []
        for number in range(20):
            try:
                await registry.create(request(f"m{number}"))
                lost.append(False)
            except OutcomeUnknown:
                lost.append(True)
        return lost

    rule = {"method": "POST", "probability": 0.5, "action": "drop"}
    runs = [met(script(rule, seed=seed), use) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert 0 < sum(runs[0]) < 20


def test_a_drop_inside_one_process_is_an_error_of_the_call() -> None:
    """Where there is no connection to end."""
    app = create_app(EmbeddedSettings(faults=script({"method": "POST", "action": "drop"})))

    async def main() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
            with pytest.raises(ConnectionResetError):
                await client.post("/v1/p/models", json=request())

    asyncio.run(main())
    app.state.close()
