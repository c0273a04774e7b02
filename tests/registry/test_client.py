"""The client over real sockets: what it sends, what it makes of answers, and what it never does."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import Created, Stage
from reconciler.errors import (
    AlreadyExists,
    ConfigurationError,
    IntentTooOld,
    NotFound,
    OutcomeUnknown,
    RegistryError,
    RegistryUnavailable,
    Rejected,
    Unauthorised,
)
from reconciler.registry import Limits, ModelArtsRegistry, RegistryAuth
from reconciler.registry.vendor import is_model_id
from tests.registry.driving import IMPORT, MODELS, connected, in_turn, item, talk
from tests.registry.scripted import DROP, Raw, Received, answer, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.engine.ports import Registry


def _create(registry: ModelArtsRegistry) -> Any:
    return registry.create(IMPORT)


def _list(registry: ModelArtsRegistry) -> Any:
    return registry.list_models()


def _detail(registry: ModelArtsRegistry) -> Any:
    return registry.detail("m-1")


def _delete(registry: ModelArtsRegistry) -> Any:
    return registry.delete("m-1")


def test_it_is_a_registry_of_the_engine() -> None:
    """The port's shape is held by the type checker; this line is what it checks."""
    registry: Registry = ModelArtsRegistry("http://localhost", "p", auth=RegistryAuth())
    asyncio.run(registry.aclose())


# --- what is sent ----------------------------------------------------------------------------------------


def test_an_import_is_the_request_itself_as_utf8_json() -> None:
    """One POST, the body nothing but the request, in the manifest's order."""
    made, server = talk(lambda _: answer(200, {"model_id": "m-7"}), _create)
    assert made == Created("m-7", "r-1", "publishing", Stage.PENDING)
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", MODELS)
    assert request.body.decode() == json.dumps(IMPORT, ensure_ascii=False, separators=(",", ":"))
    assert request.headers["content-type"] == "application/json"


def test_a_list_asks_for_a_large_page_in_a_stable_order() -> None:
    """limit=1000 and order=asc, and no workspace where it is the default one."""
    _, server = talk(lambda _: answer(200, {"models": [], "total_count": 0}), _list)
    assert server.requests[0].query == {"limit": "1000", "offset": "0", "order": "asc"}


def test_a_workspace_is_asked_for_and_imported_into() -> None:
    """List, find and import speak of the target's workspace; a manifest of another one is not sent."""

    def respond(request: Received) -> bytes:
        return answer(200, {"models": []} if request.method == "GET" else {"model_id": "m-1"})

    async def use(registry: ModelArtsRegistry) -> None:
        await registry.list_models()
        await registry.find(ModelKey("a", "0.0.1"))
        await registry.create(IMPORT)
        with pytest.raises(Rejected, match="workspace_id 'w-3' is not the target's 'w-2'"):
            await registry.create(IMPORT | {"workspace_id": "w-3"})

    _, server = talk(respond, use, workspace_id="w-2")
    assert [request.query.get("workspace_id") for request in server.requests] == ["w-2", "w-2", None]
    assert json.loads(server.requests[-1].body)["workspace_id"] == "w-2"


def test_an_exact_lookup_never_trusts_the_fuzzy_filter() -> None:
    """Case 30: the server may answer neighbours, other versions and other spellings; only equality counts."""
    items = [
        item(1, model_name="a_b_c", model_version="1.0.0"),
        item(2, model_name="axb", model_version="1.0.0"),
        item(3, model_name="a_b", model_version="1.0.10"),
        item(4, model_name="a_b", model_version="1.0.0"),
    ]
    models, server = talk(
        lambda _: answer(200, {"models": items}), lambda registry: registry.find(ModelKey("a_b", "1.0.0"))
    )
    assert [model.model_id for model in models] == ["m-4"]
    query = server.requests[0].query
    assert (query["model_name"], query["model_version"], query["exact_match"]) == ("a_b", "1.0.0", "true")


def test_a_chinese_name_with_blank_and_tilde_is_sent_in_canonical_form() -> None:
    """What is signed is what is on the wire: blanks as %20, `~` as itself."""
    _, server = talk(
        lambda _: answer(200, {"models": []}), lambda registry: registry.find(ModelKey("手写 a_b~+", "1.0.0"))
    )
    assert server.requests[0].query["model_name"] == "%E6%89%8B%E5%86%99%20a_b~%2B"


# --- what is understood ----------------------------------------------------------------------------------


def test_sparse_and_odd_items_are_understood_and_unusable_ones_skipped_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Case 33: everything but name and version is optional; without an id a model is there all the same."""
    items = [
        item(1),
        item(2, model_status="publishing", create_at=1606000000000, model_size="x"),
        item(3, model_status=7, create_at="1606000000000"),
        item(4, model_name=None),
        item(5, model_id="../../etc"),
        item(6, model_version=1.1),
        "nonsense",
        None,
    ]
    with caplog.at_level(logging.WARNING):
        models, _ = talk(lambda _: answer(200, {"models": items, "total_count": 0}), _list)
    *usable, without_id = models
    assert [(model.model_id, model.status, model.created_at) for model in usable] == [
        ("m-1", None, None),
        ("m-2", "publishing", 1606000000000),
        ("m-3", None, 1606000000000),
    ]
    assert (without_id.pair, is_model_id(without_id.model_id)) == (ModelKey("a", "0.0.5"), False)
    assert "4 items without id, name or version" in caplog.text


@pytest.mark.parametrize("counts", ["pages", "items"])
def test_a_list_of_several_pages_is_whole_over_the_wire(counts: str) -> None:
    """Case 32, both ways, with total_count 0."""
    items = [item(number) for number in range(25)]

    def respond(request: Received) -> bytes:
        limit, offset = int(request.query["limit"]), int(request.query["offset"])
        start = offset * limit if counts == "pages" else offset
        return answer(200, {"models": items[start : start + limit], "total_count": 0, "count": 25})

    models, _ = talk(respond, _list, limits={"page_size": 10})
    assert [model.model_id for model in models] == [f"m-{number}" for number in range(25)]


def test_a_list_without_end_is_an_error_that_names_the_knob() -> None:
    """The memory is safe from a server that never stops."""

    def respond(request: Received) -> bytes:
        start = int(request.query["offset"]) * 10
        return answer(200, {"models": [item(number) for number in range(start, start + 10)]})

    error, _ = talk(respond, _list, limits={"page_size": 10, "max_pages": 5})
    assert "max_pages" in str(error)


def test_a_detail_is_handed_on_as_it_came() -> None:
    """No field of the vendor's is touched."""
    detail = {"model_id": "m-1", "apis": "[]", "config": "{}", "anything": [1]}
    assert talk(lambda _: answer(200, detail), _detail)[0] == detail


def test_a_missing_model_is_not_found_and_its_deletion_a_success() -> None:
    """404 ModelArts.3001, as the documents have it."""
    gone = refusal(404, "ModelArts.3001")
    assert isinstance(talk(lambda _: gone, _detail)[0], NotFound)
    assert talk(lambda _: gone, _delete)[0] is None


@pytest.mark.parametrize("model_id", ["../x", "a/b", "..", "", "a?b", "手"])
def test_an_id_that_could_lead_elsewhere_is_never_put_into_a_path(model_id: str) -> None:
    """Such a thing is no model's id; nothing is sent."""
    error, server = talk(lambda _: answer(200, {}), lambda registry: registry.delete(model_id))
    assert isinstance(error, NotFound)
    assert not server.requests


@pytest.mark.parametrize("key", ["error_msg", "error_message"])
def test_a_deletion_refused_inside_a_200_is_a_refusal(key: str) -> None:
    """Cases 36 and 37: the failed list decides, and its message key has two spellings."""
    row = {"model_id": "m-1", "error_code": "ModelArts.3009", key: "used by service s"}
    error, server = talk(
        lambda _: answer(200, {"delete_success_list": [], "delete_failed_list": [row]}), _delete
    )
    assert isinstance(error, Rejected)
    assert (error.code, error.status) == ("ModelArts.3009", 200)
    assert "used by service s" in str(error)
    assert server.requests[0].target == f"{MODELS}/m-1?cascade=false"


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        ([{"model_id": "m-1", "error_code": "ModelArts.3001"}], type(None)),
        ([{"model_id": "m-1", "error_code": "ModelArts.3065"}], RegistryUnavailable),
        ([{"model_id": "m-1", "error_code": "ModelArts.0108"}], Unauthorised),
        ([{"model_id": "m-1"}], Rejected),
        (["m-1"], Rejected),
        ([{"model_id": "m-2", "error_code": "ModelArts.3009"}], type(None)),
        (None, type(None)),
        ("all", RegistryUnavailable),
    ],
)
def test_every_row_of_a_failed_deletion_has_its_meaning(failed: Any, expected: type) -> None:
    """Gone is success, building is later, an unknown reason is a refusal, another model's row is not ours."""
    result, _ = talk(lambda _: answer(200, {"delete_failed_list": failed}), _delete)
    assert type(result) is expected


# --- imports: one call -----------------------------------------------------------------------------------


LOST = {
    "dropped after the request": DROP,
    "half a head": Raw(((0, b"HTTP/1.1 200 OK\r\nContent-Le"),)),
    "half a body": Raw(((0, b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"model_id":'),)),
    "not HTTP": Raw(((0, b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),)),
    "HTML": answer(200, b"<html>Welcome</html>", content_type="text/html"),
    "empty": answer(200),
    "an array": answer(200, ["m-1"]),
    "no id": answer(200, {"ok": True}),
    "an id of the wrong type": answer(200, {"model_id": 7}),
    "an id that is none": answer(200, {"model_id": "../x"}),
    "an error inside a 200": refusal(200, "ModelArts.3037"),
    "malformed JSON": answer(200, b'{"model_id": "m-1"'),
    "compressed": answer(200, b"\x1f\x8b", content_encoding="gzip"),
    "500 internal": refusal(500, "ModelArts.0010"),
    "500 publishing failed": refusal(500, "ModelArts.3006"),
    "502": answer(502, b"<html>Bad Gateway</html>"),
    "503 without a code": answer(503, b"<html>Unavailable</html>"),
    "504": answer(504, b""),
    "a cut error": Raw(((0, b'HTTP/1.1 400 X\r\nContent-Length: 500\r\n\r\n{"error_code":'),)),
}


@pytest.mark.parametrize("name", LOST)
def test_an_import_without_a_usable_answer_is_unknown_and_sent_once(name: str) -> None:
    """Case 41: whatever happened after sending, it is neither success, nor failure, nor repeated."""
    error, server = talk(lambda _: LOST[name], _create)
    assert type(error) is OutcomeUnknown, error
    assert len(server.requests) == 1


def test_a_registry_that_answers_each_attempt_with_an_error_is_not_told_as_out_of_reach() -> None:
    """The deadline ends in a pause between attempts: an answer is missing, and no connection."""
    limits = {"rate": 0.3, "read_rate": 0.3, "burst": 1, "deadline": 1.0}
    error, _ = talk(lambda _: answer(503, {}), _list, limits=limits)
    assert "no whole answer within 1 s" in str(error)


def test_an_import_whose_answer_drips_is_unknown_at_the_deadline() -> None:
    """A byte now and then does not extend the deadline of the whole call."""
    body = b'{"model_id": "m-1"}' + b" " * 81
    drip = Raw(((0, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), *((0.05, bytes([b])) for b in body)))
    error, server = talk(lambda _: drip, _create, limits={"deadline": 0.4})
    assert type(error) is OutcomeUnknown
    assert len(server.requests) == 1


def test_an_import_that_cannot_connect_was_certainly_not_made() -> None:
    """A refused connection proves it; nothing is repeated here, the engine plans the next attempt."""

    async def main() -> None:
        registry = ModelArtsRegistry("http://127.0.0.1:1", "p", auth=RegistryAuth())
        try:
            with pytest.raises(RegistryUnavailable, match="check endpoint"):
                await registry.create(IMPORT)
        finally:
            await registry.aclose()

    asyncio.run(main())


def test_an_import_that_never_got_its_connection_was_not_made() -> None:
    """The deadline alone proves nothing about sending: with nobody accepting, this request never left."""
    with socket.socket() as deaf, ExitStack() as waiting:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):
            caller = waiting.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())

        async def main() -> None:
            limits = Limits(deadline=0.4)
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            registry = ModelArtsRegistry(url, "p", auth=RegistryAuth(), limits=limits)
            try:
                with pytest.raises(RegistryUnavailable, match=r"0\.4 s"):
                    await registry.create(IMPORT)
            finally:
                await registry.aclose()

        asyncio.run(main())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (refusal(409, "ModelArts.3002"), AlreadyExists),
        (refusal(400, "ModelArts.3037"), Rejected),
        (refusal(500, "ModelArts.3043"), Rejected),
        (refusal(413, "ModelArts.4104"), Rejected),
        (refusal(401, "APIGW.0301"), Unauthorised),
        (refusal(403, "ModelArts.0108"), Unauthorised),
        (answer(307, b"", location="https://evil.example/"), RegistryError),
        (refusal(404, "APIG.0101"), RegistryError),
        (refusal(500, "ModelArts.3065"), RegistryUnavailable),
    ],
)
def test_a_documented_refusal_of_an_import_is_final_and_sent_once(
    said: bytes, expected: type[RegistryError]
) -> None:
    """Permanent 500s are permanent, authentication is not retried, a redirect is not followed."""
    error, server = talk(lambda _: said, _create)
    assert type(error) is expected
    assert error.request_id == "r-1"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "busy",
    [
        refusal(429, "ModelArts.6101"),
        refusal(429, "APIG.0308"),
        refusal(503, "ModelArts.4302"),
        answer(429, b""),
    ],
)
def test_an_import_is_repeated_after_a_documented_proof_that_it_was_not_made(busy: bytes) -> None:
    """Throttling proves it: twice more by default, then it is a matter for the next cycle."""
    made, server = talk(in_turn(busy, busy, answer(200, {"model_id": "m-1"})), _create)
    assert made == Created("m-1", "r-1", "publishing", Stage.PENDING)
    assert len(server.requests) == 3
    error, server = talk(lambda _: busy, _create)
    assert type(error) is RegistryUnavailable
    assert len(server.requests) == 3


def test_an_unknown_outcome_after_a_repetition_stays_unknown() -> None:
    """A throttled attempt followed by a lost one is as unknown as a lost one alone."""
    error, server = talk(in_turn(refusal(429, "APIG.0308"), DROP), _create)
    assert type(error) is OutcomeUnknown
    assert len(server.requests) == 2


def test_a_request_that_cannot_be_json_is_refused_before_it_is_sent() -> None:
    """Half a surrogate pair has no UTF-8."""
    error, server = talk(lambda _: b"", lambda registry: registry.create({"description": "\ud800"}))
    assert type(error) is Rejected
    assert not server.requests


# --- reads: repeated, bounded ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [DROP, answer(502, b"<html>"), refusal(500, "ModelArts.0010"), refusal(429, "APIG.0308"), answer(503)],
)
def test_a_read_is_repeated_until_it_is_answered(broken: Any) -> None:
    """A passing fault is not worth a word; a lasting one is, after a few attempts."""
    models, _ = talk(in_turn(broken, broken, answer(200, {"models": [item(1)]})), _list)
    assert [model.model_id for model in models] == ["m-1"]
    error, server = talk(lambda _: broken, _list)
    assert type(error) is RegistryUnavailable
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (answer(200, b"<html>login</html>", content_type="text/html"), "text/html"),
        (answer(200, [1]), "JSON array"),
        (answer(200, {"models": "many"}), "`models` is a JSON string"),
        (answer(200, {}), "`models` is a JSON null"),
        (answer(200, b"[" * 50_000), "not JSON"),
        (answer(200, b"\xff\xfe\x00"), "not JSON"),
    ],
)
def test_a_read_of_something_else_says_what_it_was(said: bytes, words: str) -> None:
    """HTML, wrong types and bombs are an unavailable registry with a hint at the endpoint."""
    error, _ = talk(lambda _: said, _list)
    assert type(error) is RegistryUnavailable
    assert words in str(error)
    assert "endpoint" in str(error)


@pytest.mark.parametrize("use", [_list, _detail, _delete, _create])
def test_a_redirect_is_never_followed(use: Callable[[ModelArtsRegistry], Any]) -> None:
    """The token would go along: the answer is an error that names the endpoint, for every call."""
    error, server = talk(lambda _: answer(302, b"", location="/elsewhere"), use)
    assert type(error) is RegistryError
    assert "redirect" in str(error)
    assert len(server.requests) == 1


def test_a_pause_that_is_asked_for_is_kept() -> None:
    """Retry-After is a floor: the next attempt comes no earlier."""
    started = time.monotonic()
    talk(in_turn(refusal(429, "APIG.0308", retry_after="0.3"), answer(200, {"models": []})), _list)
    assert time.monotonic() - started >= 0.3


def test_a_pause_beyond_the_deadline_is_not_waited_for_and_closes_the_target() -> None:
    """The caller learns how long; meanwhile nothing else is sent to a server that asked for quiet."""

    async def use(registry: ModelArtsRegistry) -> tuple[RegistryUnavailable, RegistryUnavailable]:
        with pytest.raises(RegistryUnavailable) as first:
            await registry.list_models()
        with pytest.raises(RegistryUnavailable, match="not sent") as second:
            await registry.create(IMPORT)
        return first.value, second.value

    (first, second), server = talk(lambda _: refusal(429, "APIG.0308", retry_after="120"), use)
    assert first.retry_after == 120
    assert second.retry_after is not None
    assert second.retry_after > 110
    assert len(server.requests) == 1


def test_a_call_whose_intent_took_too_long_to_be_written_is_not_sent() -> None:
    """It says what is slow; the call might otherwise be carried out after others settled it."""

    async def slow() -> None:
        await asyncio.sleep(0.1)

    async def use(registry: ModelArtsRegistry) -> IntentTooOld:
        with pytest.raises(IntentTooOld, match=r"disk or the database of state\.url is slow") as raised:
            await registry.create(IMPORT, slow)
        return raised.value

    error, server = talk(lambda _: answer(200, {"model_id": "m-1"}), use, limits={"fresh": 0.05})
    assert (error.reason, server.requests) == ("state-slow", [])


def test_a_huge_answer_is_given_up_and_a_huge_error_is_cut() -> None:
    """Neither fills the memory; the first names the page size, the second is judged by its status."""
    error, server = talk(lambda _: answer(200, b"x" * 5000), _list, limits={"body_bytes": 1000})
    assert type(error) is RegistryError
    assert "1000 bytes" in str(error)
    assert len(server.requests) == 1
    error, _ = talk(lambda _: answer(403, b"x" * 5000), _list, limits={"error_bytes": 1000})
    assert type(error) is Unauthorised


def test_an_error_names_request_code_and_id_and_never_the_query() -> None:
    """What a person needs to ask the vendor, and nothing that could be secret."""
    error, _ = talk(
        lambda _: refusal(400, "ModelArts.0104", "bad \x1b[2J limit"),
        lambda registry: registry.find(ModelKey("secret-name", "1.0.0")),
    )
    text = str(error)
    for fact in (f"GET {MODELS}", "HTTP 400", "ModelArts.0104", "r-1", "bad [2J limit"):
        assert fact in text
    assert "secret-name" not in text


# --- pace ------------------------------------------------------------------------------------------------


def test_no_more_requests_are_in_flight_than_allowed() -> None:
    """One limit for the target, whatever the number of pools."""
    now, most = 0, 0

    async def respond(_: Received) -> bytes:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return answer(200, {})

    async def use(registry: ModelArtsRegistry) -> None:
        await asyncio.gather(*(registry.detail(f"m-{number}") for number in range(40)))

    _, server = talk(respond, use, limits={"concurrency": 10})
    assert most == 10
    assert len(server.requests) == 40


def test_requests_are_spread_by_the_token_bucket() -> None:
    """On a clock that stands still: reads and deletions take from one bucket, each at its own rate."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def use(registry: ModelArtsRegistry) -> None:
        for number in range(8):
            await registry.detail(f"m-{number}")
        for number in range(8):
            await registry.delete(f"m-{number}")

    limits = {"rate": 5.0, "read_rate": 50.0, "burst": 1}
    talk(_gone_or_read, use, limits=limits, sleep=sleep, clock=lambda: 5.0)
    reads, writes = pauses[:8], pauses[8:]
    assert reads == pytest.approx([0.02 * number for number in range(8)])
    assert writes == pytest.approx([0.16 + 0.2 * number for number in range(8)])


def _gone_or_read(request: Received) -> bytes:
    return answer(200, {}) if request.method == "GET" else refusal(404, "ModelArts.3001")


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://modelarts.example.com", "unencrypted"),
        ("http://10.0.0.1", "unencrypted"),
        ("ftp://localhost", "not the base of an API"),
        ("modelarts.example.com", "not the base of an API"),
        ("https://u:secret@example.com", "carries credentials"),
        ("https://example.com/?a=b", "3 characters after its"),
        ("http://127.0.0.1:99999", "port"),
        ("https://" + "a" * 70 + ".com", "host"),
        ("https://a\x00b", "not a URL"),
        ("", "not the base of an API"),
    ],
)
def test_an_endpoint_that_cannot_be_right_is_a_configuration_error(endpoint: str, words: str) -> None:
    """Said at once, without what stands before an @."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        ModelArtsRegistry(endpoint, "p", auth=RegistryAuth())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("project_id", ["", "a/b", "..", "p?x", "项目", "x" * 65])
def test_a_project_id_that_could_lead_elsewhere_is_a_configuration_error(project_id: str) -> None:
    """It becomes a part of every path."""
    with pytest.raises(ConfigurationError, match="project_id"):
        ModelArtsRegistry("http://localhost", project_id, auth=RegistryAuth())


@pytest.mark.parametrize("name", ["page_size", "concurrency", "rate", "deadline"])
def test_a_limit_of_zero_is_a_configuration_error(name: str) -> None:
    """A limit that lets nothing through is a mistake, and it is named."""
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: 0})


def test_an_endpoint_may_have_a_path_before_the_api() -> None:
    """A registry behind a gateway's prefix."""

    async def main() -> str:
        async with connected(lambda _: answer(200, {"models": []})) as (_, server):
            registry = ModelArtsRegistry(f"{server.url}/base/", "p", auth=RegistryAuth())
            await registry.list_models()
            await registry.aclose()
            return server.requests[0].path

    assert asyncio.run(main()) == "/base/v1/p/models"
