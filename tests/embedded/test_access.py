from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.contract.signing import sign
from reconciler.embedded import AccountKeys, EmbeddedSettings, User
from tests.embedded.conftest import client_of
from tests.embedded.samples import PROJECT, refused, request

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.embedded.conftest import Clock, Serve

_KEY, _SECRET = "AKEXAMPLE", "sk-canary"
_PASSWORD = "password-canary"  # noqa: S105 - made up, to be looked for
_TEMPORARY = "token-canary"
_CREDENTIALS = AccountKeys(
    access_keys={_KEY: _SECRET, "TEMPORARY": _SECRET},
    security_tokens={"TEMPORARY": _TEMPORARY},
    users=(User(name="robot", password=_PASSWORD, domain="team"),),
)
_REGION = "cn-north-4"
_PROJECTS = {_REGION: PROJECT, "eu-west-0": "0" * 32}


def _signed(  # noqa: PLR0917 - the parts of a request
    client: httpx.Client,
    at: float,
    method: str = "GET",
    target: str = "/models",
    body: bytes = b"",
    key: str = _KEY,
    sk: str = _SECRET,
    security_token: str | None = None,
) -> httpx.Response:
    """Sends a signed request whose path and query are exactly `target`."""
    headers = {"X-Security-Token": security_token} if security_token else {}
    built = client.build_request(method, target, content=body, headers=headers)
    given = {"host": built.headers["host"], **headers}
    raw = built.url.raw_path.decode()
    when = datetime.fromtimestamp(at, UTC)
    built.headers.update(sign(method, raw, given, body, key=key, secret=sk, at=when))
    return client.send(built)


def _login(client: httpx.Client, *, password: str = _PASSWORD, **scope: Any) -> httpx.Response:
    user = {"name": "robot", "password": password, "domain": {"name": "team"}}
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if scope:
        auth["scope"] = scope
    return client.post(client.base_url.join("/v3/auth/tokens?nocatalog=1"), json={"auth": auth})


def _token(client: httpx.Client, **scope: Any) -> dict[str, str]:
    answer = _login(client, **(scope or {"project": {"name": _REGION}}))
    assert answer.status_code == 201, answer.text
    return {"X-Auth-Token": answer.headers["X-Subject-Token"]}


@pytest.fixture
def guarded(serve: Serve) -> httpx.Client:
    """A client of a registry that asks for credentials."""
    return serve(auth=_CREDENTIALS, projects=_PROJECTS)


def test_without_credentials_nobody_gets_in(guarded: httpx.Client) -> None:
    """Every model route answers 401; the health check stays open."""
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/x"), ("DELETE", "/x"), ("GET", "/template")):
        assert refused(guarded.request(method, f"/models{path}")) == (401, "ModelArts.0201")
    assert guarded.get(guarded.base_url.join("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "query", ["", "?model_name=%E6%89%8B%20a_b~&limit=10", "?model_name=a+b&description=", "?x=2&x=1&x="]
)
def test_a_signed_request_gets_in_whatever_its_query(guarded: httpx.Client, clock: Clock, query: str) -> None:
    """The signature is recomputed from the raw path and query."""
    answer = _signed(guarded, clock.now, target=f"/models{query}")
    assert answer.status_code == 200, answer.text


def test_a_signed_import_is_registered_and_one_with_another_body_is_not(
    guarded: httpx.Client, clock: Clock
) -> None:
    """The body is part of what is signed."""
    body = guarded.build_request("POST", "/models", json=request()).content
    assert _signed(guarded, clock.now, "POST", body=body).status_code == 200
    signed = sign(
        "POST",
        f"/v1/{PROJECT}/models",
        {"host": guarded.base_url.netloc.decode()},
        body,
        key=_KEY,
        secret=_SECRET,
        at=datetime.fromtimestamp(clock.now, UTC),
    )
    tampered = guarded.post("/models", content=body.replace(b"1.0.0", b"1.0.1"), headers=signed)
    assert refused(tampered) == (401, "APIGW.0301")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Basic YTpi"}, "APIGW.0301"),
        ({"Authorization": "SDK-HMAC-SHA256 nonsense"}, "APIGW.0301"),
        ({"Authorization": ""}, "APIGW.0301"),
        ({"X-Auth-Token": "nonsense"}, "ModelArts.0203"),
        ({"X-Auth-Token": ""}, "ModelArts.0201"),
    ],
)
def test_credentials_that_cannot_be_read_are_refused(
    guarded: httpx.Client, headers: dict[str, str], code: str
) -> None:
    """Never an internal error; the gateway's envelope names the request."""
    answer = guarded.get("/models", headers=headers)
    assert refused(answer) == (401, code)
    named = answer.json().get("request_id")
    assert named == (answer.headers["X-request-id"] if code.startswith("APIGW") else None)


@pytest.mark.parametrize(("minutes", "status"), [(14, 200), (-14, 200), (20, 401), (-20, 401)])
def test_a_clock_may_be_fifteen_minutes_off(
    guarded: httpx.Client, clock: Clock, minutes: int, status: int
) -> None:
    """Contract case 42, with a code of its own."""
    answer = _signed(guarded, clock.now + minutes * 60)
    assert answer.status_code == status
    if status == 401:
        assert refused(answer) == (401, "APIGW.0303")


def test_five_wrong_signatures_in_a_row_lock_a_key_for_five_minutes(
    guarded: httpx.Client, clock: Clock
) -> None:
    """Contract case 40: even the right signature is refused meanwhile; a success starts the count again."""
    for _ in range(2):
        for _ in range(4):
            assert refused(_signed(guarded, clock.now, sk="wrong")) == (401, "APIGW.0301")
        assert _signed(guarded, clock.now).status_code == 200
    for _ in range(5):
        assert refused(_signed(guarded, clock.now, sk="wrong")) == (401, "APIGW.0301")
    assert refused(_signed(guarded, clock.now)) == (401, "APIGW.0301")
    assert _signed(guarded, clock.now, key="TEMPORARY", security_token=_TEMPORARY).is_success
    clock.now += 299
    assert not _signed(guarded, clock.now).is_success
    clock.now += 1
    assert _signed(guarded, clock.now).is_success


def test_an_unknown_key_is_refused_and_not_counted(guarded: httpx.Client, clock: Clock) -> None:
    """The same code as for a wrong signature."""
    for _ in range(6):
        assert refused(_signed(guarded, clock.now, key="NOBODY")) == (401, "APIGW.0301")


def test_temporary_credentials_need_their_security_token(guarded: httpx.Client, clock: Clock) -> None:
    """The right one, signed with the rest."""
    assert refused(_signed(guarded, clock.now, key="TEMPORARY")) == (401, "APIGW.0301")
    wrong = _signed(guarded, clock.now, key="TEMPORARY", security_token=_TEMPORARY[1:])
    assert refused(wrong) == (401, "APIGW.0301")
    assert _signed(guarded, clock.now, key="TEMPORARY", security_token=_TEMPORARY).status_code == 200


def test_a_password_gives_a_token_that_gets_in(guarded: httpx.Client, clock: Clock) -> None:
    """Status 201, the token in a header and not in the body, when it expires and for which project."""
    answer = _login(guarded, project={"name": _REGION})
    assert answer.status_code == 201
    token = answer.headers["X-Subject-Token"]
    assert len(token) > 2000
    assert token not in answer.text
    grant = answer.json()["token"]
    assert grant["project"]["id"] == PROJECT
    assert datetime.fromisoformat(grant["expires_at"]).timestamp() == clock.now + 24 * 3600
    created = guarded.post("/models", json=request(), headers={"X-Auth-Token": token})
    assert created.status_code == 200
    shown = guarded.get(f"/models/{created.json()['model_id']}", headers={"X-Auth-Token": token}).json()
    assert (shown["owner"], shown["tenant"]) == (grant["user"]["id"], grant["user"]["domain"]["id"])


def test_a_token_expires_and_a_new_one_does_not_kill_the_old(guarded: httpx.Client, clock: Clock) -> None:
    """Contract case 39: the expired one has a code of its own."""
    old = _token(guarded)
    clock.now += 12 * 3600
    new = _token(guarded)
    assert guarded.get("/models", headers=old).status_code == 200
    clock.now += 12 * 3600
    assert refused(guarded.get("/models", headers=old)) == (401, "ModelArts.0202")
    assert guarded.get("/models", headers=new).status_code == 200


def test_a_token_is_good_for_the_project_of_its_scope_only(guarded: httpx.Client) -> None:
    """Another project is 403; a token of the account is 400; both documented."""
    other = _token(guarded, project={"id": "0" * 32})
    assert refused(guarded.get("/models", headers=other)) == (403, "ModelArts.0210")
    account = _token(guarded, domain={"name": "team"})
    assert refused(guarded.get("/models", headers=account)) == (400, "ModelArts.0204")


def test_an_unknown_project_is_refused(guarded: httpx.Client, clock: Clock) -> None:
    """With good credentials; code 0210."""
    target = str(guarded.base_url.join("/v1/unknown/models"))
    assert refused(_signed(guarded, clock.now, target=target)) == (400, "ModelArts.0210")


@pytest.mark.parametrize(
    ("scope", "password", "status"),
    [
        ({"project": {"name": _REGION}}, "wrong", 401),
        ({"project": {"name": _REGION}}, "", 401),
        ({"project": {"name": "nowhere"}}, _PASSWORD, 404),
        ({"project": {}}, _PASSWORD, 404),
        ({"project": []}, _PASSWORD, 400),
    ],
)
def test_a_refused_login_comes_in_the_identity_services_envelope(
    guarded: httpx.Client, scope: dict[str, Any], password: str, status: int
) -> None:
    """error.code, error.message, error.title; no token."""
    answer = _login(guarded, password=password, **scope)
    assert answer.status_code == answer.json()["error"]["code"] == status
    assert set(answer.json()["error"]) == {"code", "message", "title"}
    assert "X-Subject-Token" not in answer.headers


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"auth": 1}', b'{"auth": {"identity": {"methods": 1}}}', b"\xff"]
)
def test_a_login_that_is_no_login_is_refused(guarded: httpx.Client, body: bytes) -> None:
    """Status 400, and what was sent is not repeated."""
    answer = guarded.post(guarded.base_url.join("/v3/auth/tokens"), content=body)
    assert answer.status_code == answer.json()["error"]["code"] == 400


def test_the_project_of_a_region_can_be_asked_for(guarded: httpx.Client) -> None:
    """By name or all; under both of the documented paths; not without credentials."""
    token = _token(guarded)
    for path in ("/v3/projects", "/v3/auth/projects"):
        url = guarded.base_url.join(path)
        (project,) = guarded.get(url, params={"name": _REGION}, headers=token).json()["projects"]
        assert project["id"] == PROJECT
        assert len(guarded.get(url, headers=token).json()["projects"]) == 2
        assert refused(guarded.get(url)) == (401, "ModelArts.0201")


def test_tokens_survive_a_restart_and_are_not_in_the_database(clock: Clock, tmp_path: Path) -> None:
    """Nor is any password or key: only a digest of the token."""
    settings = EmbeddedSettings(
        database=tmp_path / "r.db", auth=_CREDENTIALS, projects=_PROJECTS, clock=clock
    )
    with client_of(settings, PROJECT) as client:
        token = _token(client)
    with client_of(settings, PROJECT) as client:
        assert client.get("/models", headers=token).status_code == 200
    connection = sqlite3.connect(tmp_path / "r.db")
    content = "".join(connection.iterdump())
    connection.close()
    for secret in (token["X-Auth-Token"], _PASSWORD, _SECRET, _TEMPORARY):
        assert secret not in content


def test_settings_never_show_a_secret() -> None:
    """Nor do the credentials in them."""
    shown = repr(EmbeddedSettings(auth=_CREDENTIALS))
    assert "robot" in shown
    assert "canary" not in shown


def test_without_credentials_set_there_is_no_identity_service(serve: Serve) -> None:
    """Everybody is let in, with or without a token."""
    client = serve()
    assert _login(client).status_code == 404
    assert client.get("/models", headers={"X-Auth-Token": "anything"}).status_code == 200
