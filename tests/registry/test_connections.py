"""How requests travel: connections are few, kept and never shared, and each request is told of once."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.cli.tuning import spare_imports
from reconciler.errors import ConfigurationError
from reconciler.registry import ModelArtsRegistry, PasswordAuth, RegistryAuth
from reconciler.secret import GivenSecret
from tests.registry.driving import IMPORT, connected, in_turn, item, talk
from tests.registry.scripted import DROP, Received, answer, refusal

if TYPE_CHECKING:
    from pathlib import Path

DETAIL = answer(200, {"model_id": "m-1"})


async def _details(registry: ModelArtsRegistry, count: int) -> None:
    await asyncio.gather(*(registry.detail(f"m-{number}") for number in range(count)))


# --- connections -----------------------------------------------------------------------------------------


def test_calls_one_after_the_other_use_one_connection() -> None:
    """Ten calls, one connection; a new one for each would cost as much as the calls themselves."""

    async def use(registry: ModelArtsRegistry) -> None:
        for number in range(10):
            await registry.detail(f"m-{number}")

    _, server = talk(lambda _: DETAIL, use)
    assert (len(server.requests), server.connections) == (10, 1)


def test_an_answered_request_leaves_nothing_to_the_collector() -> None:
    """A response and its stream that refer to each other would keep a list's pages until it looks."""

    async def use(registry: ModelArtsRegistry) -> int:
        await _details(registry, 10)
        gc.collect()
        gc.disable()
        try:
            for number in range(100):
                await registry.detail(f"m-{number}")
            return gc.collect()
        finally:
            gc.enable()

    unreachable, _ = talk(lambda _: DETAIL, use)
    assert unreachable < 100


def test_there_are_no_more_connections_than_requests_in_flight() -> None:
    """Four hundred calls, twenty at once: twenty connections, all of them kept."""

    async def respond(_: Received) -> bytes:
        await asyncio.sleep(0.001)
        return DETAIL

    _, server = talk(respond, lambda registry: _details(registry, 400), limits={"concurrency": 20})
    assert len(server.requests) == 400
    assert server.connections <= 20


def test_a_connection_that_broke_takes_no_other_call_with_it() -> None:
    """Every third answer breaks its connection: every call is still answered, on connections made anew."""
    count = 0

    def respond(_: Received) -> Any:
        nonlocal count
        count += 1
        return DETAIL if count % 3 else DROP

    result, _ = talk(respond, lambda registry: _details(registry, 40), limits={"read_attempts": 12})
    assert result is None


def test_calls_that_are_cancelled_leave_room_for_others() -> None:
    """Whether they waited for a slot, a connection or an answer; each of them twice over."""
    asked = asyncio.Event()
    quick = False

    async def respond(_: Received) -> bytes:
        asked.set()
        await asyncio.sleep(0 if quick else 30)
        return DETAIL

    async def use(registry: ModelArtsRegistry) -> None:
        nonlocal quick
        for _ in range(2):
            asked.clear()
            waiting = [asyncio.create_task(registry.detail(f"m-{number}")) for number in range(12)]
            await asked.wait()
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        quick = True
        await _details(registry, 30)

    assert talk(respond, use, limits={"concurrency": 4})[0] is None


def test_certificates_that_cannot_be_read_are_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Found out with the first call; an import was then certainly not sent. Without TLS none are read."""
    from reconciler.registry.tls import usual_authorities  # noqa: PLC0415 - kept for the process

    usual_authorities.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))

    async def use() -> None:
        registry = ModelArtsRegistry("https://127.0.0.1:9", "p-1", auth=RegistryAuth())
        with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE=.*cannot be read"):
            await registry.create(IMPORT)

    asyncio.run(use())
    _, server = talk(lambda _: DETAIL, lambda registry: registry.detail("m-1"))
    assert len(server.requests) == 1


# --- what is told of each request --------------------------------------------------------------------------


def _requests(respond: Any, use: Any, **settings: Any) -> list[tuple[str, int | None]]:
    requests: list[tuple[str, int | None, float]] = []
    talk(respond, use, observed=lambda *request: requests.append(request), **settings)
    assert all(0 <= seconds < 60 for _, _, seconds in requests)
    return [(method, status) for method, status, _ in requests]


def test_each_request_is_told_of_once() -> None:
    """Repetitions are requests too; one that was not answered has no status."""
    list_of_one = answer(200, {"models": [item(1)]})
    answers = in_turn(DROP, refusal(429, "APIG.0308"), list_of_one)
    assert _requests(answers, lambda registry: registry.list_models()) == [
        ("GET", None),
        ("GET", 429),
        ("GET", 200),
    ]
    assert _requests(lambda _: DETAIL, lambda registry: registry.create(IMPORT)) == [("POST", 200)]
    assert _requests(lambda _: DETAIL, lambda registry: registry.delete("m-1")) == [("DELETE", 200)]


def test_a_request_given_up_at_the_deadline_is_told_of_without_a_status() -> None:
    """However it ends, it was one request."""

    async def respond(_: Received) -> bytes:
        await asyncio.sleep(30)
        return DETAIL

    limits = {"deadline": 0.2}
    assert _requests(respond, lambda registry: registry.create(IMPORT), limits=limits) == [("POST", None)]


def test_a_login_is_no_request_to_the_registry() -> None:
    """Only what the registry was asked is told of: twice the list, for the first token had expired."""

    async def main() -> list[tuple[str, int | None]]:
        async with connected(respond) as (_, server):
            auth = PasswordAuth(server.url, "u", GivenSecret("pw"), domain="d", scope="s")
            requests: list[tuple[str, int | None]] = []
            registry = ModelArtsRegistry(
                server.url,
                "p",
                auth=auth,
                observed=lambda method, status, _: requests.append((method, status)),
            )
            await registry.list_models()
            await registry.aclose()
            assert len(server.requests) == 4
            return requests

    lists = in_turn(refusal(401, "ModelArts.0202"), answer(200, {"models": []}))

    def respond(request: Received) -> bytes:
        login = request.path == "/v3/auth/tokens"
        said: bytes = answer(201, {}, x_subject_token="TOKEN") if login else lists(request)  # noqa: S106 - not one
        return said

    assert asyncio.run(main()) == [("GET", 401), ("GET", 200)]


# --- what is loaded ----------------------------------------------------------------------------------------


def _loaded(code: str, modules: set[str]) -> set[str]:
    """Those of the modules that a new process has loaded after the code."""
    program = f"{code}\nimport sys\nprint(*(name for name in sys.modules if sys.modules[name]))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    return modules & set(printed.stdout.split())


def test_httpx_is_loaded_when_a_client_is_made_and_its_command_line_never() -> None:
    """Neither the names of this room, nor credentials, nor limits need it."""
    heavy = {"httpx", "httpcore", "anyio", "click", "rich", "pygments"}
    tuned = "from reconciler.cli import tuning; tuning.spare_imports()\n"
    names = (
        f"{tuned}from reconciler.registry import *\nfrom reconciler.secret import GivenSecret\n"
        "auth = TokenAuth(GivenSecret('t'))\nlimits = Limits()\n"
    )
    assert _loaded(names, heavy) == set()
    made = "registry = ModelArtsRegistry('https://r.example', 'p', auth=auth, limits=limits)"
    assert _loaded(names + made, heavy) == {"httpx"}


def test_a_request_does_not_search_for_modules() -> None:
    """What httpcore looks for with each lock is either installed or known to be missing to the program."""
    spare_imports()

    class Searched:
        names: list[str] = []  # noqa: RUF012 - filled by the finder

        @classmethod
        def find_spec(cls, name: str, *_: Any) -> None:
            cls.names.append(name)

    async def use(registry: ModelArtsRegistry) -> list[str]:
        await registry.detail("m-1")
        sys.meta_path.insert(0, Searched)
        try:
            await _details(registry, 10)
        finally:
            sys.meta_path.remove(Searched)
        return Searched.names

    assert talk(lambda _: DETAIL, use, auth=RegistryAuth(), limits={"concurrency": 1})[0] == []
