"""No secret is ever in a message, a representation, a log or a chained exception, whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import ReconcilerError
from reconciler.registry import AccessKeyAuth, Limits, ModelArtsRegistry, PasswordAuth, TokenAuth
from reconciler.secret import GivenSecret
from tests.registry.driving import IMPORT, QUICK
from tests.registry.scripted import DROP, Raw, Received, answer, serving

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = ("AK-CANARY-1", "SK-CANARY+/2=", "ST-CANARY-3", "TOKEN-CANARY-4", "PW-CANARY-5", "LOGIN-CANARY-6")


def _access_key(_: str) -> AccessKeyAuth:
    return AccessKeyAuth(
        GivenSecret(SECRETS[0]), GivenSecret(SECRETS[1]), security_token=GivenSecret(SECRETS[2])
    )


def _token(_: str) -> TokenAuth:
    return TokenAuth(GivenSecret(SECRETS[3]))


def _password(url: str) -> PasswordAuth:
    return PasswordAuth(url, "ci", GivenSecret(SECRETS[4]), domain="d", scope="s")


def _echo(status: int, code: str | None = None, **headers: str) -> Callable[[Received], Any]:
    """Answers with all that was received, secrets by name added, in every field of every envelope."""

    def respond(request: Received) -> Any:
        if request.path == "/v3/auth/tokens" and status != 418:
            return answer(201, {}, x_subject_token=SECRETS[5])
        all_of_it = " ".join([*SECRETS, *request.headers.values(), request.body.decode()])
        said = {"error_msg": all_of_it, "error_message": all_of_it, "request_id": all_of_it}
        said |= {"error_code": code or all_of_it, "models": all_of_it, "delete_failed_list": all_of_it}
        return answer(status, said, x_request_id=SECRETS[3] + SECRETS[1], **headers)

    return respond


FAILURES: dict[str, Callable[[Received], Any]] = {
    **{
        f"echo {status}": _echo(status)
        for status in (200, 302, 400, 401, 403, 404, 409, 413, 418, 429, 500, 502)
    },
    "signature": _echo(401, "APIGW.0301"),
    "expired": _echo(401, "ModelArts.0202"),
    "parameter": _echo(400, "ModelArts.3037"),
    "drop": lambda _: DROP,
    "not HTTP": lambda request: Raw(((0, " ".join([*SECRETS, *request.headers.values()]).encode()),)),
    "echo as HTML": lambda request: answer(200, repr(request.headers).encode(), content_type=SECRETS[3]),
    "compressed": lambda _: answer(200, b"x", content_encoding="gzip"),
    "bad header": lambda _: Raw(((0, f"HTTP/1.1 200 OK\r\n{SECRETS[3]} \x01: x\r\n\r\n".encode()),)),
}


@pytest.mark.parametrize("make", [_access_key, _token, _password], ids=["aksk", "token", "password"])
@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_shows_a_secret(
    failure: str, make: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Every call against every failure: message, facts, whole traceback text and debug logs are clean."""
    seen: list[str] = []

    async def main() -> None:
        async with serving(FAILURES[failure]) as server:
            auth = make(server.url)
            limits = Limits(**(QUICK | {"read_attempts": 2, "create_attempts": 2}))
            registry = ModelArtsRegistry(server.url, "p", auth=auth, limits=limits)
            for use in (registry.list_models, lambda: registry.detail("m-1"), lambda: registry.delete("m-1")):
                await _look(use, seen)
            await _look(lambda: registry.create(IMPORT), seen)
            seen.append(f"{auth!r} {registry!r} {vars(registry)!r}")
            await registry.aclose()

    with caplog.at_level(logging.DEBUG):
        asyncio.run(main())
    everything = "\n".join([*seen, caplog.text])
    secrets = {"aksk": SECRETS[:3], "token": SECRETS[3:4], "password": SECRETS[4:6]}
    name = {_access_key: "aksk", _token: "token", _password: "password"}[make]
    for secret in secrets[name]:
        assert secret not in everything
        assert json.dumps(secret)[1:-1] not in everything


async def _look(use: Callable[[], Any], seen: list[str]) -> None:
    try:
        seen.append(type(await use()).__name__)
    except ReconcilerError as error:
        seen += [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
