"""The signer against the vendor's published vectors, the vendor's own SDK, and its other half."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.contract.signing import (
    Refusal,
    canonical_path,
    canonical_query,
    canonical_request,
    encode_query,
    sign,
    verify,
)
from tests.effort import examples

AK, SK = "QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"  # the vendor's published sample
AT = datetime(2019, 11, 15, 3, 36, 55, tzinfo=UTC)
PROJECT = "77b6a44cba5143ab91d13ab9a8ff44fd"
MODELS = f"/v1/{PROJECT}/models"
BODY = (
    '{"model_name":"手写数字","model_version":"1.0.0","model_type":"TensorFlow",'
    '"source_location":"https://models.obs.cn-north-4.myhuaweicloud.com/mnist"}'
).encode()
HEADERS = {"Host": "modelarts.cn-north-4.myhuaweicloud.com", "Content-Type": "application/json"}
IN_PROJECT = HEADERS | {"X-Project-Id": PROJECT}
QUERY = encode_query([
    ("model_name", "手写 a_b~"), ("limit", "10"), ("offset", "0"), ("exact_match", "true"),
])  # fmt: skip

VECTORS = {
    "a": (
        "GET",
        f"/v1/{PROJECT}/vpcs?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
        {"Host": "service.region.example.com", "Content-Type": "application/json"},
        b"",
        "b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a",
        "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe",
    ),
    "V1": (
        "GET",
        f"{MODELS}?{QUERY}",
        HEADERS,
        b"",
        "4e1d1087fe0fbc3a7543daf3de1005e9669dc489067df3aa6a7fcf2465758942",
        "d924fd6d2de344f4485f12074c17241a8160f4d9fd02a9a83b8ceb5b6e5ef615",
    ),
    "V2": (
        "POST",
        MODELS,
        IN_PROJECT,
        BODY,
        "0ae40a3a8b13b0674e95170b61a1c7eb6e5e1929e837acdfe03e3cd1ccafd878",
        "45859dd52742a3cbfb340f6f0c0039acd82ee94fd000509c6eea0536523e7393",
    ),
    "V3": (
        "POST",
        MODELS,
        IN_PROJECT | {"X-Security-Token": "TOKEN+/="},
        BODY,
        "d175fe73b5f8a2273e1facaf0590765c64918632759e45c5c93a642f150a1156",
        "fcf1ed54c3c38ebf4146a65061d02f9c1b19cd10f163f134afe34cb57f718436",
    ),
    "V4": (
        "DELETE",
        f"{MODELS}/10eb0091-887f-4839-9929-cbc884f1e20e?cascade=true",
        HEADERS,
        b"",
        "721fc725ae6a4c997c087971a76b7c33c0c4fbae256db8e771b7930a91062501",
        "3dbd2e581cf31a12cbfab574dfa42016a93e5cd3d1ec6e515fee3287e5d95e02",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_documented_request_gets_the_documented_signature(name: str) -> None:
    """Vectors (a) and V1 to V4: the hash of the canonical request, and the signature."""
    method, target, headers, body, hashed, signature = VECTORS[name]
    dated = headers | {"X-Sdk-Date": "20191115T033655Z"}
    assert sha256(canonical_request(method, target, dated, body).encode()).hexdigest() == hashed
    signed = sign(method, target, headers, body, key=AK, secret=SK, at=AT)
    names = ";".join(sorted(header.lower() for header in dated))
    assert signed == {
        "X-Sdk-Date": "20191115T033655Z",
        "Authorization": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders={names}, Signature={signature}",
    }


@pytest.mark.parametrize(
    ("method", "body", "signature"),
    [
        ("GET", b"", "cfb4171acec81de07d50e53d57eb77edd537414d66ddb1d7d780f128e12cd842"),
        (
            "POST",
            b'{"name":"test","id":1}',
            "436b1ac0a1ae03705934bb70ef2f2e09f7bfed2117d731a38235053199323a1f",
        ),
    ],
)
def test_the_sdk_unit_tests_signatures_are_reproduced(method: str, body: bytes, signature: str) -> None:
    """Vector (b), from the unit tests of the vendor's SDK."""
    at = datetime(2020, 6, 8, 2, 39, tzinfo=UTC)
    headers = {"Host": "service.endpoint.myhuaweicloud.com"}
    key, secret = "AccessKey", "SecretKey"
    signed = sign(method, "/resources?size=1", headers, body, key=key, secret=secret, at=at)
    assert signed["Authorization"].endswith(f"SignedHeaders=host;x-sdk-date, Signature={signature}")


def test_the_documented_body_has_the_documented_hash() -> None:
    """Body B of the vectors: 153 bytes of UTF-8."""
    assert len(BODY) == 153
    assert sha256(BODY).hexdigest() == "f1375acbcad9bec6c1ab29e91218d4906db250e8f5687431f83ad8e21a4447f9"


def test_a_query_is_encoded_as_the_sdk_encodes_it() -> None:
    """The query of the vendor's SDK tests: lists repeat the name, blanks are %20, and `.` and `*` differ."""
    parameters = [
        ("test", "一 (&=?!#%.*)"),
        ("path", "/tmp/123"),  # noqa: S108 - only text
        ("multi", "3"),
        ("multi", "1"),
    ]
    parameters += [("multi", "2"), ("limit", "1"), ("enable", "true")]
    expected = (
        "enable=true&limit=1&multi=1&multi=2&multi=3&path=%2Ftmp%2F123"
        "&test=%E4%B8%80%20%28%26%3D%3F%21%23%25.%2A%29"
    )
    assert encode_query(parameters) == expected
    assert canonical_query(expected) == expected


def test_a_path_is_canonical_with_a_slash_at_its_end() -> None:
    """Only the canonical form ends with `/`; what is already encoded is not encoded twice."""
    assert canonical_path("/v1/手写 ~/x") == "/v1/%E6%89%8B%E5%86%99%20~/x/"
    assert canonical_path("/v1/%E6%89%8B%E5%86%99%20~/x/") == "/v1/%E6%89%8B%E5%86%99%20~/x/"
    assert canonical_path("/") == "/"


def test_a_time_without_zone_is_not_signed() -> None:
    """A naive time would be off by hours and be refused: better to fail here."""
    with pytest.raises(ValueError, match="time zone"):
        sign("GET", "/", {}, b"", key=AK, secret=SK, at=datetime(2026, 1, 1))  # noqa: DTZ001 - on purpose


TEXT = st.text(alphabet=st.sampled_from("aZ09-_.~ +/%&=?#手写字é😀*'\"<>\\"), max_size=8)
PAIRS = st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=5)
SEGMENTS = st.lists(TEXT.map(lambda text: text.replace("/", "").replace("%", "")), min_size=1, max_size=4)


@settings(max_examples=examples(400), deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]),
    segments=SEGMENTS,
    pairs=PAIRS,
    body=st.one_of(st.just(b""), st.binary(max_size=40), st.text(max_size=20).map(str.encode)),
    token=st.one_of(st.none(), st.text(alphabet="abcXYZ019+/=", min_size=1, max_size=20)),
)
def test_any_request_is_signed_as_the_vendors_sdk_signs_it(
    method: str, segments: list[str], pairs: list[tuple[str, str]], body: bytes, token: str | None
) -> None:
    """Chinese, blanks, `~`, `+`, repeated and empty values: one signature, whoever computes it."""
    requests = pytest.importorskip("huaweicloudsdkcore.sdk_request", reason="the vendor's SDK is absent")
    signers = pytest.importorskip("huaweicloudsdkcore.signer.signer")

    class Credentials:
        ak, sk = AK, SK

    headers: dict[str, Any] = IN_PROJECT | ({"X-Security-Token": token} if token else {})
    path = "/" + "/".join(segments)
    theirs = requests.SdkRequest(
        method=method,
        host=headers["Host"],
        resource_path=path,
        query_params=list(pairs),
        header_params=headers | {"X-Sdk-Date": "20191115T033655Z"},
        body=body,
    )
    signers.Signer(Credentials()).sign(theirs)
    ours = sign(
        method, f"{canonical_path(path)}?{encode_query(pairs)}", headers, body, key=AK, secret=SK, at=AT
    )
    assert ours["Authorization"] == theirs.header_params["Authorization"]
    assert theirs.uri == path + (f"?{encode_query(pairs)}" if pairs else "")


def _verify(method: str, target: str, headers: dict[str, str], body: bytes, **changes: Any) -> Refusal | None:
    given_: dict[str, Any] = {"secret_of": {AK: SK}.get, "now": AT} | changes
    return verify(method, target, headers, body, **given_).refusal


@settings(max_examples=examples(100), deadline=None)
@given(pairs=PAIRS, body=st.binary(max_size=40), segments=SEGMENTS)
def test_what_is_signed_is_verified(pairs: list[tuple[str, str]], body: bytes, segments: list[str]) -> None:
    """The two halves agree, and any other body, method or target is a mismatch."""
    target = f"{canonical_path('/' + '/'.join(segments))[:-1] or '/'}?{encode_query(pairs)}"
    headers = HEADERS | sign("POST", target, HEADERS, body, key=AK, secret=SK, at=AT)
    assert _verify("POST", target, headers, body) is None
    assert _verify("POST", target, headers, body + b" ") is Refusal.MISMATCH
    assert _verify("PUT", target, headers, body) is Refusal.MISMATCH
    assert _verify("POST", target.replace("?", "/x?", 1), headers, body) is Refusal.MISMATCH
    assert _verify("POST", f"{target}&zz=", headers, body) is Refusal.MISMATCH


def test_verification_says_why_it_refuses() -> None:
    """Each way to be wrong has its own word, so that a server can answer with the right code."""
    signed = sign("GET", MODELS, HEADERS, b"", key=AK, secret=SK, at=AT)
    good = HEADERS | signed
    assert _verify("GET", MODELS, {name.upper(): value for name, value in good.items()}, b"") is None
    assert _verify("GET", MODELS, HEADERS, b"") is Refusal.MISSING
    assert _verify("GET", MODELS, good | {"Authorization": "Basic eDp5"}, b"") is Refusal.MISSING
    assert (
        _verify("GET", MODELS, good | {"Authorization": "SDK-HMAC-SHA256 Access="}, b"") is Refusal.MALFORMED
    )
    assert _verify("GET", MODELS, good | {"X-Sdk-Date": "20191315T033655Z"}, b"") is Refusal.MALFORMED
    assert _verify("GET", MODELS, signed, b"") is Refusal.MALFORMED
    undated = good | {"Authorization": good["Authorization"].replace(";x-sdk-date", "")}
    assert _verify("GET", MODELS, undated, b"") is Refusal.MALFORMED
    assert _verify("GET", MODELS, good, b"", now=AT + timedelta(minutes=15)) is None
    assert _verify("GET", MODELS, good, b"", now=AT + timedelta(minutes=15, seconds=1)) is Refusal.CLOCK
    assert _verify("GET", MODELS, good, b"", now=AT - timedelta(minutes=20)) is Refusal.CLOCK
    assert _verify("GET", MODELS, good, b"", secret_of=lambda _: None) is Refusal.UNKNOWN_KEY
    assert _verify("GET", MODELS, good, b"", secret_of=lambda _: "other") is Refusal.MISMATCH


@settings(max_examples=examples(100), deadline=None)
@given(authorization=st.text(max_size=80), date=st.text(max_size=20))
def test_verification_never_raises(authorization: str, date: str) -> None:
    """Whatever stands in the headers, the answer is a refusal."""
    headers = HEADERS | {"Authorization": f"SDK-HMAC-SHA256 {authorization}", "X-Sdk-Date": date}
    assert _verify("GET", MODELS, headers, b"") is not None
