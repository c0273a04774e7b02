"""Who the client is: signatures, tokens and logins over a real socket, and refusals that are final."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.contract.signing import verify
from reconciler.errors import (
    ConfigurationError,
    OutcomeUnknown,
    RegistryError,
    RegistryUnavailable,
    Unauthorised,
    Unreachable,
)
from reconciler.registry import (
    AccessKeyAuth,
    CredentialCooldown,
    Limits,
    ModelArtsRegistry,
    PasswordAuth,
    TokenAuth,
)
from reconciler.secret import EnvironmentSecret, FileSecret, GivenSecret
from tests.registry.driving import IMPORT, MODELS, QUICK, talk
from tests.registry.scripted import DROP, Received, Server, answer, refusal, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AK, SK = "AK-1", "SK-CANARY"
LIST = answer(200, {"models": []})


def _list(registry: ModelArtsRegistry) -> Any:
    return registry.list_models()


# --- AK/SK -----------------------------------------------------------------------------------------------


def _signs(request: Received, secret_key: str = SK) -> bytes:
    verification = verify(
        request.method,
        request.target,
        request.headers,
        request.body,
        secret_of={AK: secret_key}.get,
        now=datetime.now(UTC),
    )
    if verification.refusal is not None:
        return refusal(401, "APIGW.0301", verification.refusal)
    return LIST if request.method == "GET" else answer(200, {"model_id": "m-1"})


def test_every_call_is_signed_as_it_stands_on_the_wire() -> None:
    """Query, Chinese body, project and security token included: the server recomputes the same signature."""
    auth = AccessKeyAuth(
        GivenSecret(AK), GivenSecret(f"{SK}\n"), security_token=GivenSecret("T+/="), project_id="p-1"
    )

    async def use(registry: ModelArtsRegistry) -> None:
        await registry.list_models()
        await registry.create(IMPORT | {"description": "手写 ~ + %20"})
        await registry.delete("m-1")

    result, server = talk(_signs, use, auth=auth)
    assert result is None
    for request in server.requests:
        assert request.headers["x-security-token"] == "T+/="
        assert request.headers["x-project-id"] == "p-1"
        signed = request.headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
        assert signed == "content-type;host;x-project-id;x-sdk-date;x-security-token"


def test_a_secret_key_may_have_blanks() -> None:
    """It is sent in no header: only what it signs is."""
    words = "demo only, 密"
    auth = AccessKeyAuth(GivenSecret(AK), GivenSecret(f"{words}\n"))
    _, server = talk(partial(_signs, secret_key=words), _list, auth=auth)
    assert len(server.requests) == 1


def test_a_rotated_secret_key_is_used_at_the_next_request(tmp_path: Path) -> None:
    """The file is read again; a running process never needs a restart."""
    path = tmp_path / "sk"
    path.write_text("old")
    auth = AccessKeyAuth(GivenSecret(AK), FileSecret(path))

    async def use(registry: ModelArtsRegistry) -> None:
        with pytest.raises(Unauthorised):
            await registry.list_models()
        path.write_text(SK)
        await registry.list_models()

    result, server = talk(_signs, use, auth=auth)
    assert result is None
    assert len(server.requests) == 2


def test_a_refused_key_is_sent_once_and_then_rests() -> None:
    """Case 40: five failures in a row lock a key; the same one is not shown again for five minutes."""
    now = [0.0]
    auth = AccessKeyAuth(GivenSecret(AK), GivenSecret("wrong"), cooldown=CredentialCooldown(lambda: now[0]))

    async def use(registry: ModelArtsRegistry) -> list[str]:
        said = []
        for moment in (0.0, 1.0, 299.0, 300.0):
            now[0] = moment
            with pytest.raises(Unauthorised) as caught:
                await registry.list_models()
            said.append(str(caught.value))
        return said

    said, server = talk(_signs, use, auth=auth)
    assert len(server.requests) == 2
    assert "APIGW.0301" in said[0]
    assert "not sent" in said[1]
    assert "299 s" in said[1]
    assert "secret key" in said[3]


def test_many_targets_with_the_same_wrong_key_send_it_once() -> None:
    """Targets are asked at once, and five failures in a row lock the key for all of them."""
    cooldown = CredentialCooldown()

    async def main() -> int:
        async with serving(_signs) as server:
            registries = [
                ModelArtsRegistry(
                    server.url,
                    f"p-{n}",
                    auth=AccessKeyAuth(GivenSecret(AK), GivenSecret("wrong"), cooldown=cooldown),
                )
                for n in range(6)
            ]
            answers = await asyncio.gather(*(r.list_models() for r in registries), return_exceptions=True)
            for registry in registries:
                await registry.aclose()
            assert all(isinstance(answer, Unauthorised) for answer in answers)
            return len(server.requests)

    assert asyncio.run(main()) == 1


def test_many_requests_with_a_key_that_was_accepted_go_out_together() -> None:
    """Only the first request of a key that is not proven goes alone."""
    auth = AccessKeyAuth(GivenSecret(AK), GivenSecret(SK))

    async def use(registry: ModelArtsRegistry) -> None:
        await asyncio.gather(*(registry.list_models() for _ in range(5)))

    result, server = talk(_signs, use, auth=auth)
    assert result is None
    assert len(server.requests) == 5


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_credentials_or_permission_is_never_repeated(status: int) -> None:
    """One request, one clear error, whatever the call."""
    for use in (_list, lambda registry: registry.create(IMPORT), lambda registry: registry.delete("m-1")):
        auth = AccessKeyAuth(GivenSecret(AK), GivenSecret(SK))
        error, server = talk(lambda _: answer(status, b""), use, auth=auth)
        assert type(error) is Unauthorised
        assert len(server.requests) == 1


@pytest.mark.parametrize("value", ["a b", "a\nb", "密钥", "a\x7fb", "\x1b[31m"])
def test_a_value_that_no_header_can_carry_is_refused_unsent_and_unshown(value: str) -> None:
    """A pasted line break or comment must not end up in an exception of the HTTP library."""
    auth = AccessKeyAuth(GivenSecret(f"CANARY{value}CANARY"), GivenSecret(SK))
    error, server = talk(lambda _: LIST, _list, auth=auth)
    assert type(error) is Unauthorised
    assert "CANARY" not in str(error)
    assert not server.requests


def test_credentials_that_cannot_be_read_stop_the_target_before_anything_is_sent(tmp_path: Path) -> None:
    """The message names the place; of an import it is certain that it was not made."""
    auth = TokenAuth(FileSecret(tmp_path / "token"))
    error, server = talk(lambda _: LIST, lambda registry: registry.create(IMPORT), auth=auth)
    assert type(error) is Unauthorised
    assert str(tmp_path / "token") in str(error)
    assert not server.requests


# --- ready tokens ------------------------------------------------------------------------------------------


def test_a_ready_token_is_sent_and_not_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever provides it renews it: an expired one is told, once; a new one is used at once."""
    monkeypatch.setenv("REGISTRY_TOKEN", "T-1")

    def respond(request: Received) -> bytes:
        return LIST if request.headers["x-auth-token"] == "T-2" else refusal(401, "ModelArts.0202")

    async def use(registry: ModelArtsRegistry) -> str:
        with pytest.raises(Unauthorised) as caught:
            await registry.list_models()
        monkeypatch.setenv("REGISTRY_TOKEN", "T-2")
        await registry.list_models()
        return str(caught.value)

    said, server = talk(respond, use, auth=TokenAuth(EnvironmentSecret("REGISTRY_TOKEN")))
    assert "expired" in said
    assert len(server.requests) == 2


# --- IAM logins ------------------------------------------------------------------------------------------


class Iam:
    """Plays IAM and the registry on one server; tokens are T-1, T-2 and so on."""

    def __init__(self, life: str = "2026-11-24T10:00:00.000000Z") -> None:
        self.life = life
        self.logins = 0
        self.valid: set[str] = set()
        self.refuse: bytes | None = None
        self.expired = refusal(401, "ModelArts.0202", "token expired")

    async def __call__(self, request: Received) -> bytes:
        """Answers a login or a list."""
        if request.path == "/v3/auth/tokens":
            self.logins += 1
            await asyncio.sleep(0.02)
            if self.refuse is not None:
                return self.refuse
            token = f"T-{self.logins}"
            self.valid.add(token)
            times = {"issued_at": "2026-11-23T10:00:00.000000Z", "expires_at": self.life}
            return answer(201, {"token": times}, x_subject_token=token)
        return LIST if request.headers.get("x-auth-token") in self.valid else self.expired


def _logged_in(
    iam: Callable[[Received], Any],
    use: Callable[[ModelArtsRegistry], Any],
    clock: Callable[[], float] = lambda: 0.0,
    password: str = "PW-CANARY",  # noqa: S107 - a canary
    scope: str = "cn-north-4",
) -> tuple[Any, Server]:
    async def main() -> tuple[Any, Server]:
        async with serving(iam) as server:
            auth = PasswordAuth(
                server.url, "ci", GivenSecret(password), domain="acme", scope=scope, clock=clock
            )
            registry = _registry(server.url, auth)
            try:
                return await use(registry), server
            except RegistryError as error:
                return error, server
            finally:
                await registry.aclose()

    return asyncio.run(main())


def _registry(url: str, auth: Any) -> ModelArtsRegistry:
    return ModelArtsRegistry(url, "p-1", auth=auth, limits=Limits(**QUICK))


def test_a_login_is_the_documented_call_and_its_token_is_kept() -> None:
    """One login for many requests, in the body the vendor documents, without the catalogue."""
    iam = Iam()

    async def use(registry: ModelArtsRegistry) -> None:
        await registry.list_models()
        await registry.list_models()

    _, server = _logged_in(iam, use)
    login = server.requests[0]
    assert (login.method, login.target) == ("POST", "/v3/auth/tokens?nocatalog=1")
    assert "x-auth-token" not in login.headers
    user = {"name": "ci", "password": "PW-CANARY", "domain": {"name": "acme"}}
    assert json.loads(login.body) == {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "cn-north-4"}},
        }
    }
    assert [request.path for request in server.requests[1:]] == [MODELS, MODELS]
    assert iam.logins == 1


def test_a_scope_of_32_hex_digits_is_a_project_id() -> None:
    """A token must be scoped to a project, by its name or its id."""
    project = "77b6a44cba5143ab91d13ab9a8ff44fd"
    _, server = _logged_in(Iam(), _list, scope=project)
    assert json.loads(server.requests[0].body)["auth"]["scope"] == {"project": {"id": project}}


def test_many_requests_at_once_share_one_login_and_one_renewal() -> None:
    """Single-flight: the first asks, the others wait for its answer; so too when the token has expired."""
    iam = Iam()

    async def use(registry: ModelArtsRegistry) -> None:
        await asyncio.gather(*(registry.list_models() for _ in range(12)))
        assert iam.logins == 1
        iam.valid.clear()
        await asyncio.gather(*(registry.list_models() for _ in range(12)))

    result, _ = _logged_in(iam, use)
    assert result is None
    assert iam.logins == 2


def test_a_token_is_renewed_ahead_of_its_end() -> None:
    """Ten minutes before, by this process's own clock and the server's own figures."""
    iam, now = Iam(), [0.0]

    async def use(registry: ModelArtsRegistry) -> list[int]:
        logins = []
        for moment in (0.0, 24 * 3600.0 - 601, 24 * 3600.0 - 600, 24 * 3600.0):
            now[0] = moment
            await registry.list_models()
            logins.append(iam.logins)
        return logins

    assert _logged_in(iam, use, clock=lambda: now[0])[0] == [1, 1, 2, 2]


@pytest.mark.parametrize("life", ["garbage", "2020-01-01T00:00:00Z"])
def test_a_login_with_odd_times_is_still_a_login(life: str) -> None:
    """A token without readable, or with absurd, times is used until it is called expired."""
    assert _logged_in(Iam(life), _list)[0] == ()


@pytest.mark.parametrize("code", ["ModelArts.0202", "APIGW.0307"])
def test_an_expired_token_is_renewed_once_and_the_call_repeated_once(code: str) -> None:
    """Case 39; an import too, since 401 proves that it was not made. A second refusal is final."""
    iam = Iam()
    iam.expired = refusal(401, code)

    async def use(registry: ModelArtsRegistry) -> None:
        await registry.list_models()
        iam.valid.clear()
        await registry.list_models()
        iam.valid = set()
        iam.refuse = answer(201, {}, x_subject_token="useless")  # noqa: S106 - not one
        with pytest.raises(Unauthorised):
            await registry.create(IMPORT)

    result, server = _logged_in(iam, use)
    assert result is None
    assert iam.logins == 3
    assert [request.method for request in server.requests if request.path == MODELS] == ["GET"] * 3 + [
        "POST"
    ] * 2


def test_a_token_refused_for_another_reason_is_not_renewed_within_the_call() -> None:
    """Only expiry is renewed; but the next call logs in anew, since a changed password kills tokens early."""
    iam = Iam()
    iam.expired = refusal(401, "ModelArts.0203")

    async def use(registry: ModelArtsRegistry) -> None:
        await registry.list_models()
        iam.valid.clear()
        with pytest.raises(Unauthorised):
            await registry.list_models()
        assert iam.logins == 1
        await registry.list_models()

    result, _ = _logged_in(iam, use)
    assert result is None
    assert iam.logins == 2


IAM_401 = answer(401, {"error": {"code": 401, "message": "wrong PW-CANARY", "title": "Unauthorized"}})


@pytest.mark.parametrize("said", [IAM_401, answer(403, b""), answer(400, {"error": {"message": "domain"}})])
def test_a_refused_login_is_never_repeated(said: bytes) -> None:
    """One attempt, an error that says what to check; the same password is not tried again for a while."""
    iam = Iam()
    iam.refuse = said

    async def use(registry: ModelArtsRegistry) -> str:
        with pytest.raises(Unauthorised) as caught:
            await registry.list_models()
        with pytest.raises(Unauthorised, match="not sent"):
            await registry.create(IMPORT)
        return str(caught.value)

    said_, _ = _logged_in(iam, use)
    assert "user 'ci' of 'acme'" in said_
    assert "PW-CANARY" not in said_
    assert iam.logins == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer(503, b""), RegistryUnavailable),
        (answer(429, b""), RegistryUnavailable),
        (answer(404, b"<html>"), RegistryError),
        (answer(302, b"", location="https://evil.example/"), RegistryError),
        (answer(201, {}), RegistryError),
        (answer(201, {}, x_subject_token="a b\tc"), RegistryError),  # noqa: S106 - not one
    ],
)
def test_a_login_that_is_not_answered_makes_no_import_and_says_so(said: bytes, expected: type) -> None:
    """An import whose login failed was certainly not made, so its outcome is not unknown."""
    iam = Iam()
    iam.refuse = said
    error, server = _logged_in(iam, lambda registry: registry.create(IMPORT))
    assert type(error) is expected
    assert "/v3/auth/tokens" in str(error)
    assert all(request.path == "/v3/auth/tokens" for request in server.requests)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (answer(503, b""), "IAM failed; a loop asks again by itself"),
        (answer(500, {"error": {"message": "boom"}}), "IAM failed; IAM says: boom; a loop asks again"),
        (answer(404, b"<html>"), "there is nothing here; check iam_endpoint of the target"),
        (answer(302, b"", location="https://evil.example/"), "never followed; check iam_endpoint"),
    ],
)
def test_a_login_that_fails_is_told_of_iam_and_not_of_the_registry(said: bytes, words: str) -> None:
    """Whoever reads it looks at the right server and the right setting."""
    iam = Iam()
    iam.refuse = said
    error, _ = _logged_in(iam, lambda registry: registry.list_models())
    assert words in str(error)
    assert "the registry" not in str(error)
    assert "settled" not in str(error)


@pytest.mark.parametrize("call", ["list_models", "create"])
def test_an_iam_that_cannot_be_reached_is_named_with_its_setting(call: str) -> None:
    """The registry answers; only the login finds no connection."""

    async def main() -> str:
        async with serving(lambda _: LIST) as server:
            nobody = "http://127.0.0.1:1"
            auth = PasswordAuth(nobody, "ci", GivenSecret("pw"), domain="d", scope="s")
            registry = _registry(server.url, auth)
            with pytest.raises(Unreachable) as caught:
                await (registry.create(IMPORT) if call == "create" else registry.list_models())
            await registry.aclose()
            return str(caught.value)

    assert (
        "no login at IAM: no connection to 127.0.0.1:1: check iam_endpoint, network and proxy"
        in asyncio.run(main())
    )


def test_a_login_whose_connection_drops_leaves_no_import_in_doubt() -> None:
    """The login was sent, the import never was."""
    error, _ = _logged_in(lambda _: DROP, lambda registry: registry.create(IMPORT))
    assert type(error) is Unreachable
    assert not isinstance(error, OutcomeUnknown)


def test_a_login_that_hangs_does_not_hold_up_later_requests() -> None:
    """Whoever waits for it ends at the deadline; the next one logs in for itself."""
    stuck = True

    async def respond(request: Received) -> bytes:
        if request.path != MODELS and stuck:
            await asyncio.sleep(30)
        return LIST if request.path == MODELS else answer(201, {}, x_subject_token="T")  # noqa: S106 - one

    async def main() -> None:
        nonlocal stuck
        async with serving(respond) as server:
            auth = PasswordAuth(server.url, "ci", GivenSecret("pw"), domain="d", scope="s")
            registry = ModelArtsRegistry(server.url, "p-1", auth=auth, limits=Limits(deadline=0.3))
            calls = [registry.create(IMPORT) for _ in range(3)]
            lost = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(error) for error in lost] == [Unreachable] * 3
            stuck = False
            assert await registry.list_models() == ()
            await registry.aclose()

    asyncio.run(main())


def test_an_iam_endpoint_in_the_clear_is_a_configuration_error() -> None:
    """The password would travel readable."""
    with pytest.raises(ConfigurationError, match="iam_endpoint"):
        PasswordAuth("http://iam.example.com", "ci", GivenSecret("x"), domain="d", scope="s")
