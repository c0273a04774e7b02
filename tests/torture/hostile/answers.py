"""A registry that answers anything at all, over a transport or a socket, to the client and to the engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.contract import ModelKey, edition
from reconciler.engine.clock import Clock, Timing
from reconciler.engine.cycle import Engine
from reconciler.engine.manifest_parser import ManifestParser
from reconciler.engine.options import CycleOptions
from reconciler.engine.target import Target
from reconciler.errors import OutcomeUnknown, RegistryError
from reconciler.index import Store
from reconciler.registry import Limits, ModelArtsRegistry, PasswordAuth, RegistryAuth, TokenAuth
from reconciler.secret import GivenSecret
from reconciler.state import open_state
from tests.contract.documents import minimal
from tests.engine.worlds import START, MemorySource, text
from tests.registry.scripted import Raw, serving
from tests.torture.hostile.damage import PIECES, as_json, bent, junk, noise, torn, word
from tests.torture.hostile.looks import SECRET, examine, examine_error, examine_events, harmless, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from random import Random

    from reconciler.engine.values import Report
    from reconciler.state import SqlLedger
    from tests.torture.fuzz import Attack

    Respond = Callable[[httpx.Request], httpx.Response]

_PAIR = ModelKey("a", "1.0.0")
_LIMITS: dict[str, Any] = {
    "page_size": 10, "max_pages": 12, "rate": 1e6, "deadline": 2.0, "backoff": 1e-6, "longest_pause": 1e-6,
    "body_bytes": 1_000_000,
}  # fmt: skip
_CODES = (
    "ModelArts.3001", "ModelArts.3002", "ModelArts.3037", "ModelArts.6101", "ModelArts.0202", "APIGW.0301",
    "APIG.0307", "APIG.0308", "3002", "IAM.0011", "",
)  # fmt: skip
_STATUSES = (
    *[200] * 25,
    201,
    204,
    206,
    301,
    304,
    400,
    401,
    403,
    404,
    405,
    409,
    418,
    429,
    500,
    502,
    503,
    504,
    599,
)
_DATES = (
    "Mon, 23 Nov 2026 12:00:00 GMT",
    "Mon, 99 Nov 99999 99:99:99 +9999",
    "Thu, 01 Jan 1970 00:00:00 -0000",
)
_TOKENS: tuple[bytes, ...] = (
    b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n", b"Content-Length: 5\r\n", b"Content-Length: -1\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n", b"FFFFFFFF\r\n", b"0\r\n\r\n",
    b"Content-Encoding: gzip\r\n", b"\x1b[2J", b"Retry-After: 99999999999\r\n",
    b"X-request-id: \x1b]0;x\x07\r\n", b"HTTP/9.9 999 \xff\r\n", *PIECES[:12],
)  # fmt: skip


@contextlib.contextmanager
def attacker(folder: Path) -> Iterator[Attack]:
    """A client, or a whole cycle, against one hostile registry."""
    with (
        asyncio.Runner() as runner,
        open_state(f"sqlite:///{folder / 'state.db'}", writer=True) as ledger,
    ):

        def attack(dice: Random) -> None:
            kind = dice.random()
            if kind < 0.12:
                runner.run(_over_a_socket(dice))
            elif kind < 0.2:
                runner.run(_a_cycle(dice, ledger))
            else:
                runner.run(_by_hand(dice))

        yield attack


async def _by_hand(dice: Random) -> None:
    """Each call of the port, one of them."""
    responses: list[httpx.Response] = []
    auth = _auth(dice)

    def respond(request: httpx.Request) -> httpx.Response:
        responses.append(_answer(dice, request))
        return responses[-1]

    async with _client(respond, auth) as registry:
        await _call(dice, registry, responses)


async def _over_a_socket(dice: Random) -> None:
    async with serving(lambda request: Raw(((0.0, _raw(dice, request.method, request.target)),))) as server:
        registry = ModelArtsRegistry(
            server.url, "p-1", auth=TokenAuth(GivenSecret(SECRET)), limits=Limits(**_LIMITS), sleep=_no_sleep
        )
        async with contextlib.aclosing(registry):
            await _call(dice, registry, [])


async def _a_cycle(dice: Random, ledger: SqlLedger) -> None:
    """Plan, import and follow; what comes of it is shown and remembered."""
    source = MemorySource()
    source.commit({f"models.d/{name}.yaml": text(name) for name in "abc"})

    async def sleep(_: float) -> None:
        clock["now"] += 1

    clock = {"now": 0}
    async with _client(lambda request: _answer(dice, request), TokenAuth(GivenSecret(SECRET))) as registry:
        store = Store(None, writes=True)
        parser = ManifestParser(edition("seed-2019"), "models.d")
        index, history = store.of("local", "rules"), store.history_of("local")
        target = Target("local", registry, parser, index, history, timing=Timing(settle=0))
        time = Clock(now=lambda: START, sleep=sleep, stopping=lambda: clock["now"] > 5)
        engine = Engine(source, ledger, (target,), clock=time)
        try:
            report = await engine.cycle(CycleOptions(refresh=dice.random() < 0.5))
        finally:
            engine.git.close()
    examine(report, dice)
    for failure in report.failures:
        harmless(failure.message, "failure")
    _examine_memory(ledger, report)
    if dice.random() < 0.05:
        examine_events(ledger.events()[-50:])


def _examine_memory(ledger: SqlLedger, report: Report) -> None:
    """What the report says is remembered as it is, and whatever it does not speak of as it was."""
    last_report = ledger.last_report()
    require(last_report is not None, "a report is remembered")
    assert last_report is not None
    require(replace(last_report, items=()) == replace(report, items=(), unlisted={}), "a report's facts")
    require(set(report.items) <= set(last_report.items), "a report's items")
    require(last_report.counted() == report.counted(), "a report's numbers")


async def _call(dice: Random, registry: ModelArtsRegistry, responses: list[httpx.Response]) -> None:
    calls: tuple[Callable[[], Any], ...] = (
        registry.list_models,
        lambda: registry.find(_PAIR),
        lambda: registry.detail("m-1"),
        lambda: registry.create(minimal()),
        lambda: registry.delete("m-1"),
    )
    chosen = dice.randrange(len(calls))
    try:
        async with asyncio.timeout(30):
            result = await calls[chosen]()
    except RegistryError as error:
        examine_error(error)
        _examine_proof(chosen, error, responses)
        raise
    harmless(json.dumps([str(result)]), "what was found")


def _examine_proof(chosen: int, error: RegistryError, responses: list[httpx.Response]) -> None:
    """After an import, an answer of success that cannot be read proves nothing."""
    about_models = [
        response for response in responses if "tokens" not in str(response.extensions.get("path"))
    ]
    if chosen == 3 and about_models and about_models[-1].is_success:
        require(
            isinstance(error, OutcomeUnknown), f"{type(error).__name__} after a success that cannot be read"
        )


@contextlib.asynccontextmanager
async def _client(respond: Respond, auth: RegistryAuth) -> Any:
    registry = ModelArtsRegistry(
        "http://localhost",
        "p-1",
        auth=auth,
        limits=Limits(**_LIMITS),
        transport=httpx.MockTransport(respond),
        sleep=_no_sleep,
    )
    try:
        yield registry
    finally:
        await registry.aclose()


async def _no_sleep(_: float) -> None:
    await asyncio.sleep(0)


def _auth(dice: Random) -> RegistryAuth:
    if dice.random() < 0.3:
        secret = GivenSecret(SECRET)
        return PasswordAuth("https://iam.example.org", "u", secret, domain="d", scope="cn-north-4")
    return TokenAuth(GivenSecret(SECRET))


def _answer(dice: Random, request: httpx.Request) -> httpx.Response:
    """Somewhere between a good answer and nonsense."""
    kind = dice.random()
    path = request.url.path
    if kind < 0.05:
        raise dice.choice((httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ConnectError))(word(dice))
    status = dice.choice(_STATUSES)
    value = _good(dice, request.method, path) if status < 300 else _envelope(dice)
    if kind < 0.8:
        value = bent(dice, value)
    body = as_json(value)
    if kind > 0.65 or dice.random() < 0.2:
        body = torn(dice, body) if dice.random() < 0.8 else noise(dice)
    return httpx.Response(status, headers=_headers(dice), content=body, extensions={"path": path})


def _good(dice: Random, method: str, path: str) -> Any:
    if path.endswith("/tokens"):
        return {
            "token": {"expires_at": "2026-11-24T12:00:00.000000Z", "issued_at": "2026-11-23T12:00:00.000000Z"}
        }
    if method == "POST":
        return {"model_id": "m-1"}
    if method == "DELETE":
        return {
            "delete_success_list": [],
            "delete_failed_list": [{"model_id": "m-1", "error_msg": word(dice)}],
        }
    if path.endswith("/models"):
        items = [_model(dice) for _ in range(dice.choice((0, 1, 3, 10, 11)))]
        return {"models": items, "total_count": dice.choice((0, len(items), 99, -1)), "count": len(items)}
    return minimal(model_name="a", model_id="m-1", model_status="published", description="as declared")


def _model(dice: Random) -> dict[str, Any]:
    return {
        "model_id": f"m-{dice.randrange(20)}",
        "model_name": dice.choice(("a", "b", word(dice))),
        "model_version": dice.choice(("1.0.0", "1.0.0", "0.0.1", word(dice))),
        "model_status": dice.choice(("published", "publishing", "failed", word(dice))),
        "create_at": dice.choice((1700000000000, "1700000000000", -1, 10**30)),
        "description": junk(dice) if dice.random() < 0.2 else "as declared",
    }


def _envelope(dice: Random) -> Any:
    message = dice.choice((SECRET, word(dice), f"{word(dice)} {SECRET} {word(dice)}", "no " * 400))
    shape = dice.randrange(3)
    if shape == 0:
        return {"error_code": dice.choice(_CODES), "error_msg": message, "request_id": word(dice)}
    if shape == 1:
        return {"error": {"code": dice.choice(_CODES), "message": message}}
    return {"errorCode": dice.choice(_CODES), "errorMsg": message}


def _headers(dice: Random) -> list[tuple[bytes, bytes]]:
    offered: list[tuple[bytes, bytes]] = [
        (b"Content-Type", dice.choice(("application/json", "text/html", word(dice))).encode()),
        (b"X-request-id", dice.choice(("r-1", SECRET, word(dice))).encode()),
        (b"Retry-After", dice.choice(("1", "0", "-1", "9" * 40, "1e9", "nan", *_DATES, word(dice))).encode()),
        (b"Date", dice.choice((*_DATES, word(dice))).encode()),
        (b"Content-Encoding", dice.choice((b"identity", b"gzip", b"\xff"))),
        (b"X-Subject-Token", dice.choice(("t-1", "t" * 9000, word(dice))).encode()),
        (b"Location", b"http://127.0.0.1:1/"),
    ]
    return [header for header in offered if dice.random() < 0.25]


def _raw(dice: Random, method: str, target: str) -> bytes:
    """An answer as it stands on the wire, torn."""
    body = as_json(_good(dice, method, target.partition("?")[0]))
    head = f"HTTP/1.1 {dice.choice(_STATUSES)} X\r\nContent-Type: application/json\r\n"
    whole = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    return torn(dice, whole, _TOKENS) if dice.random() < 0.9 else noise(dice, _TOKENS)
