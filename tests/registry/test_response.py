"""Every answer a registry can give has one meaning: by its code first, its status second."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import (
    AlreadyExists,
    NotFound,
    OutcomeUnknown,
    RegistryError,
    RegistryUnavailable,
    Rejected,
    Unauthorised,
)
from reconciler.printable import one_line
from reconciler.registry.codes import ERROR_RULES, Action, disposition, known_code
from reconciler.registry.exchange import MESSAGE_LIMIT, Request, classify, envelope, retry_after
from tests.effort import examples

MODELS = "/v1/p/models"
MODEL = f"{MODELS}/m-1"


def _said(
    status: int, code: str | None, method: str = "POST", path: str = MODELS, **headers: str
) -> RegistryError:
    body = json.dumps({"error_code": code, "error_msg": "field x"} if code else {}).encode()
    return classify(Request(method, path, write=method == "POST"), status, headers, body)


# The vendor's table (6.2 of its documents), as (status, code, what an import makes of it).
TABLE: list[tuple[int, str, type[RegistryError]]] = [
    *[(400, f"ModelArts.{code}", Rejected) for code in (
        "0101", "0104", "0107", "0118", "3015", "3016", "3017", "3023", "3024", "3028", "3029", "3030",
        "3034", "3036", "3037", "3039", "3040", "3041", "3074", "3572", "3573", "3574", "3578", "3592",
        "4105", "7004", "7005",
    )],
    *[(400, f"ModelArts.{code}", Unauthorised) for code in ("0204", "0210")],
    *[(400, f"ModelArts.{code}", RegistryUnavailable) for code in ("3576", "3577")],
    *[(401, f"ModelArts.{code}", Unauthorised) for code in (
        "0201", "0202", "0203", "0204", "0207", "0212",
    )],
    *[(403, f"ModelArts.{code}", Unauthorised) for code in ("0108", "0203", "0206", "0210")],
    *[(403, f"ModelArts.{code}", Rejected) for code in ("0112", "3010", "3075")],
    *[(404, f"ModelArts.{code}", Rejected) for code in ("3019", "3021", "3071")],
    (409, "ModelArts.3002", AlreadyExists),
    (409, "ModelArts.3022", Rejected),
    (413, "ModelArts.4104", Rejected),
    (429, "ModelArts.6101", RegistryUnavailable),
    (500, "ModelArts.0010", OutcomeUnknown),
    (500, "ModelArts.3006", OutcomeUnknown),
    *[(500, f"ModelArts.{code}", Rejected) for code in ("3009", "3043", "3044", "3045", "3053", "3301")],
    (500, "ModelArts.3065", RegistryUnavailable),
    (500, "ModelArts.3579", OutcomeUnknown),
    (503, "ModelArts.4302", RegistryUnavailable),
    (503, "ModelArts.4700", RegistryUnavailable),
    (400, "ModelArts.0116", Rejected),
    (400, "ModelArts.0103", AlreadyExists),
    *[(400, f"ModelArts.{code}", Rejected) for code in ("0106", "0113", "0404", "0415")],
    (400, "ModelArts.0114", RegistryUnavailable),
    (400, "APIG.0201", Rejected),
    (413, "APIG.0201", Rejected),
    (504, "APIG.0201", OutcomeUnknown),
    *[(401, f"APIGW.{code}", Unauthorised) for code in ("0301", "0303", "0305", "0307")],
    *[(403, f"APIG.{code}", Unauthorised) for code in ("0302", "0304", "0306")],
    (429, "APIG.0308", RegistryUnavailable),
    (404, "APIG.0101", RegistryError),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "expected"), TABLE)
def test_a_documented_refusal_of_an_import_has_its_meaning(
    status: int, code: str, expected: type[RegistryError]
) -> None:
    """Each documented code leads an import to exactly one kind of error that carries the facts."""
    error = _said(status, code)
    assert type(error) is expected
    assert (error.status, error.code, error.method, error.path) == (status, code, "POST", MODELS)
    assert code in str(error)


def test_every_code_in_the_table_is_decided_and_says_what_to_do() -> None:
    """No row is without a meaning, and none that needs a person is without advice."""
    documented = {known_code(code) for _, code, _ in TABLE}
    assert documented <= set(ERROR_RULES)
    for code, row in ERROR_RULES.items():
        assert row.meaning, code
        assert row.remedy or row.action in (Action.EXISTS, Action.NOT_FOUND, Action.BY_STATUS), code
        assert known_code(code) == code


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, RegistryError),
        (307, RegistryError),
        (401, Unauthorised),
        (403, Unauthorised),
        (404, RegistryError),
        (405, RegistryError),
        (407, RegistryError),
        (408, OutcomeUnknown),
        (409, AlreadyExists),
        (413, Rejected),
        (418, Rejected),
        (429, RegistryUnavailable),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
        (504, OutcomeUnknown),
        (599, OutcomeUnknown),
    ],
)
def test_a_status_alone_never_claims_more_than_it_proves(status: int, expected: type[RegistryError]) -> None:
    """Without a code, a 5xx to an import is an unknown outcome; to a read it is an unavailable registry."""
    page = b"<html>no</html>"
    assert type(classify(Request("POST", MODELS, write=True), status, {}, page)) is expected
    if expected is OutcomeUnknown:
        assert type(classify(Request("GET", MODELS), status, {}, page)) is RegistryUnavailable


def test_no_such_model_and_no_such_project_are_told_apart() -> None:
    """404 about a model's path is a missing model; about a project or a route it is a wrong endpoint."""
    assert type(_said(404, "ModelArts.3001", "GET", MODEL)) is NotFound
    assert type(_said(404, "ModelArts.9999", "GET", MODEL)) is NotFound
    for error in (
        _said(404, "APIG.0101", "GET", MODEL),
        _said(404, "APIG.0101", "GET"),
        _said(404, "ModelArts.9999", "GET"),
        classify(Request("GET", MODEL), 404, {}, b"<html>nginx</html>"),
        classify(Request("DELETE", MODEL), 400, {}, b"<html>nginx</html>"),
    ):
        assert type(error) is RegistryError
        assert "endpoint" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        {"error_code": "ModelArts.3037", "error_msg": "bad"},
        {"error_code": "ModelArts.3037", "error_message": "bad"},
        {"errorCode": "ModelArts.3037", "errorMsg": "bad"},
        {"code": "ModelArts.3037", "message": "bad"},
        {"error": {"code": "ModelArts.3037", "message": "bad", "title": "Bad Request"}},
        {
            "error_code": "ModelArts.3037",
            "error_msg": "bad",
            "request_id": "r",
            "encoded_authorization_message": "x",
        },
        {"error_code": 3037, "code": "ModelArts.3037", "error_msg": ["no"], "message": "bad"},
    ],
)
def test_every_known_envelope_is_read(body: dict[str, Any]) -> None:
    """ModelArts, its gateway, IAM and what the vendor's SDK expects besides."""
    read = envelope(json.dumps(body).encode())
    assert (read.code, read.message) == ("ModelArts.3037", "bad")


@settings(max_examples=examples(300), deadline=None)
@given(
    status=st.integers(100, 599),
    body=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["error", "error_code", "error_msg", "code", "message"]), inner
                )
            ),
            max_leaves=6,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    headers=st.dictionaries(st.sampled_from(["retry-after", "date", "x-request-id"]), st.text(max_size=12)),
)
def test_no_answer_is_beyond_classification(
    status: int, body: bytes, method: str, headers: dict[str, str]
) -> None:
    """Any bytes, any JSON: a registry error whose text is one printable line."""
    error = classify(Request(method, MODELS, write=method == "POST"), status, headers, body)
    assert not any(unicodedata.category(character) == "Cc" for character in str(error))
    assert len(str(error)) < 1000
    if method != "POST":
        assert not isinstance(error, OutcomeUnknown)


def test_a_bomb_of_brackets_is_just_an_unreadable_body() -> None:
    """A deeply nested body neither crashes nor is taken for an envelope."""
    assert envelope(b"[" * 60_000) == envelope(b"\xff\xfe") == envelope(b"")


def test_a_vendor_message_is_one_clean_line() -> None:
    """Escape sequences, newlines and direction marks do not reach a terminal; long text is cut at 300."""
    error = classify(
        Request("POST", MODELS),
        400,
        {},
        json.dumps({"error_msg": "a\x1b[31m\r\nb\u202e" + "x" * 900}).encode(),
    )
    assert "a [31m b x" in str(error)
    assert len(one_line("y" * 900, MESSAGE_LIMIT)) == 300


def test_the_message_of_a_refused_signature_is_not_repeated() -> None:
    """The gateway's 0301 may contain the whole signed request."""
    body = json.dumps({"error_code": "APIGW.0301", "error_msg": "canonical request: x-security-token:SECRET"})
    error = classify(Request("POST", MODELS), 401, {}, body.encode())
    assert "SECRET" not in str(error)
    assert "secret key" in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "99999999999"}, 86400.0),
        ({"retry-after": "Mon, 23 Nov 2026 10:00:30 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 23 Nov 2026 10:00:30 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_both_of_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, or a date against the server's own clock; nonsense is as good as nothing."""
    assert retry_after(headers) == seconds


def test_codes_are_known_in_all_their_spellings() -> None:
    """The gateway writes APIG and APIGW; a bare number is ModelArts'."""
    assert known_code("apigw.0301") == "APIG.0301"
    assert known_code("3002") == "ModelArts.3002"
    assert known_code("IAM.0101") is None
    assert known_code("401") is None
    assert disposition(500, "ModelArts.3043").action is Action.REJECT


@pytest.mark.parametrize("code", ["ModelArts.3043", "ModelArts.0118", "ModelArts.4104", "ModelArts.3017"])
def test_a_refusal_names_its_remedy(code: str) -> None:
    """OBS permission, quota, size and source each say what a person can do."""
    assert ERROR_RULES[code].remedy in str(_said(400, code))


def test_a_read_that_fails_is_not_told_as_an_import_in_doubt() -> None:
    """There is nothing to settle about a read, so the advice is another."""
    for status, code in ((503, None), (500, "ModelArts.0010"), (500, "ModelArts.3579")):
        assert "settled by looking at the registry" in str(_said(status, code))
        read = str(_said(status, code, method="GET"))
        assert "settled" not in read
        assert "a loop asks again by itself; a command has to be run again later" in read
