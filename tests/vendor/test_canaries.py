"""No secret reaches any output, log or file, whatever the command and whatever goes wrong."""

# ruff: noqa: E501 - lines of a configuration

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.registry.scripted import DROP, Received, answer, serving
from tests.vendor.logins import (
    NAMES,
    Way,
    access_key,
    fleet_of,
    in_sync,
    password,
    temporary,
    token,
    until,
    way_of,
)
from tests.vendor.served import (
    GUARDED,
    PASSWORD,
    SECRET_KEY,
    SECURITY_TOKEN,
    TEMPORARY_SECRET,
    login,
    served,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.program import Done, Fleet

COMMANDS = [
    ("validate", "--verbose"),
    ("plan", "--verbose"),
    ("plan", "--output", "json"),
    ("plan", "--output", "markdown"),
    ("apply", "--verbose"),
    ("apply", "--output", "json"),
    ("retry", "a@1.0.0", "--yes", "--verbose"),
    ("status", "--verbose"),
    ("status", "--output", "json"),
    ("history",),
    ("history", "--output", "json"),
    ("doctor", "--verbose"),
    ("doctor", "--output", "json"),
]
WRONG: dict[str, Callable[[], Way]] = {
    "aksk": lambda: access_key("SK-canary-wrong"),
    "temporary": lambda: temporary("SK-canary-wrong", "ST-canary-wrong"),
    "token": lambda: token("TOKEN-canary-wrong"),
    "password": lambda: password("PW-canary-wrong"),
}


def spellings(secrets: Iterable[str]) -> set[bytes]:
    """Each secret as it is, as JSON has it, as an URL has it, and as a representation has it."""
    forms = {form for s in secrets for form in (s, json.dumps(s)[1:-1], quote(s), repr(s)[1:-1])}
    return {form.encode() for form in forms}


def output_of(runs: Iterable[Done]) -> bytes:
    """Everything that runs printed."""
    return "\n".join(run.out + run.err for run in runs).encode()


def kept(folder: Path) -> bytes:
    """The bytes of every file below a folder: state database, its log, reports, mirrors."""
    return b"\n".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def assert_clean(secrets: Iterable[str], *places: bytes) -> None:
    """No spelling of any secret in any place."""
    for form in spellings(secrets):
        for place in places:
            assert form not in place, form


def secrets_of(way: Way) -> list[str]:
    """The secrets that a way uses."""
    return [value.strip() for value in (*way.files.values(), *way.variables.values())]


@pytest.mark.parametrize("name", NAMES)
def test_no_command_shows_or_keeps_a_secret(name: str, tmp_path: Path) -> None:
    """With good credentials, then with refused ones; the registry's own log and database too."""
    database = f'database = "registry.db"\nfail_pattern = "bad"\n{GUARDED}'
    with served(tmp_path / "registry", database) as registry:
        good, wrong = way_of(name, registry.url), WRONG[name]()
        fleet = fleet_of(tmp_path / "repository", registry.url, good)
        fleet.declare("a@1.0.0", "bad@1.0.0")
        runs = [fleet(*command) for command in (*COMMANDS, ("retry", "bad@1.0.0", "--yes"))]
        wrong.installed(fleet)
        fleet.declare("b@1.0.0")
        runs += [fleet(*command) for command in COMMANDS if command[0] in ("plan", "apply", "doctor")]
        runs += [fleet("plan", "--config", "none.toml"), fleet("plan", "--target", "none")]
    assert {0, 1, 2, 3} <= {run.code for run in runs}
    secrets = {*secrets_of(good), *secrets_of(wrong), SECRET_KEY, TEMPORARY_SECRET, SECURITY_TOKEN, PASSWORD}
    (tmp_path / "registry" / "registry.toml").unlink()  # the one place where the registry is given them
    assert_clean(secrets, output_of(runs), kept(fleet.folder / ".reconciler"), kept(tmp_path / "registry"))


@pytest.mark.parametrize("name", NAMES)
def test_the_loop_shows_and_keeps_no_secret(name: str, tmp_path: Path) -> None:
    """Its log at the debug level, as JSON, through an import, a refusal and a stop."""
    with served(tmp_path / "registry", GUARDED) as registry:
        good, wrong = way_of(name, registry.url), WRONG[name]()
        fleet = fleet_of(tmp_path / "repository", registry.url, good, '[schedule]\nevery = "200ms"\n')
        fleet.declare("a@1.0.0")
        with fleet.spawn("run", "--verbose", "--output", "json") as loop:
            until(lambda: in_sync(fleet))
            wrong.installed(fleet)
            fleet.declare("b@1.0.0")
            time.sleep(1.5)
            loop.send_signal(signal.SIGTERM)
            out, err = loop.communicate(timeout=20)
    assert loop.returncode == 0
    assert "Traceback" not in err
    secrets = {*secrets_of(good), *secrets_of(wrong)}
    assert_clean(secrets, (out + err).encode(), kept(fleet.folder / ".reconciler"))


def echo(status: int) -> Callable[[Received], Any]:
    """Answers with all that was received, in every field of every envelope; a login succeeds with a canary."""

    def respond(request: Received) -> Any:
        if request.path == "/v3/auth/tokens" and status != 418:
            return answer(201, {}, x_subject_token="LOGIN-canary")  # noqa: S106 - nobody's
        everything = " ".join([*request.headers.values(), request.body.decode()])
        said = {"error_msg": everything, "error_message": everything, "request_id": everything}
        return answer(
            status, said | {"error_code": everything, "models": everything}, x_request_id=everything
        )

    return respond


FAILURES: dict[str, Any] = {str(status): echo(status) for status in (302, 400, 403, 404, 418)}
"""With 200, 401 and 500 every command is run in `tests/canaries`."""
FAILURES["drop"] = lambda _: DROP


@contextmanager
def scripted(respond: Callable[[Received], Any]) -> Iterator[str]:
    """A scripted server in a thread of its own; its URL."""
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()
    urls: list[str] = []

    async def main() -> None:
        async with serving(respond) as server:
            urls.append(server.url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert ready.wait(20)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.parametrize("failure", FAILURES)
def test_a_server_that_echoes_what_it_got_gets_no_secret_into_an_output(failure: str, tmp_path: Path) -> None:
    """Headers and bodies come back in messages, codes and ids, and end nowhere."""
    ways = [access_key(), temporary(), token("TOKEN-canary-echoed"), password()]
    runs = []
    secrets = {secret for way in ways for secret in secrets_of(way)} | {"LOGIN-canary"}
    with scripted(FAILURES[failure]) as url:
        for number, way in enumerate(ways):
            fleet = fleet_of(tmp_path / str(number), url, way)
            fleet.declare("a@1.0.0")
            text = (fleet.folder / "reconciler.toml").read_text("utf-8")
            fleet.configure(text.replace("auth =", 'timeout = "500ms"\nauth ='))
            commands = [("apply", "--verbose"), ("doctor", "--output", "json")]
            runs += [fleet(*command) for command in commands]
    assert {run.code for run in runs} <= {1, 3}
    assert_clean(
        secrets, output_of(runs), *(kept(tmp_path / str(n) / ".reconciler") for n in range(len(ways)))
    )


def test_a_secret_in_the_configuration_itself_is_not_shown_when_it_is_wrong(tmp_path: Path) -> None:
    """Given by value, and in places where it cannot be: no message repeats it."""
    fleet: Fleet = fleet_of(tmp_path / "repository", "http://127.0.0.1:9", access_key())
    lines = [
        'auth = {method = "aksk", access_key = "AK", secret_key = "SK-canary", secret_key_file = "x"}',
        'auth = {method = "aksk", access_key = "AK", secret_key = ["SK-canary"]}',
        'auth = {method = "aksk", access_key = "AK", secretkey = "SK-canary"}',
        'auth = {method = "SK-canary"}',
        'auth = "SK-canary"',
        'auth = {method = "token", token = "SK-canary \\u0007"}',
        'auth = {method = "aksk", access_key = "AK", secret_key_command = ["sh", "-c", "echo SK-canary >&2; exit 1"]}',
        'auth = {method = "password", iam_endpoint = "ftp://SK-canary@host", username = "u", domain = "d", scope = "s", password = "SK-canary"}',
    ]  # fmt: skip
    for line in lines:
        table = '[targets.prod]\nkind = "modelarts"\nendpoint = "http://127.0.0.1:9"\nproject_id = "p"\n'
        fleet.configure(table + line)
        for command in ("plan", "doctor", "validate"):
            done = fleet(command, "--verbose")
            assert done.code in (0, 1, 2, 3)
            assert "SK-canary" not in done.out + done.err, (line, command)


def test_a_token_of_the_registry_is_not_kept_by_it(tmp_path: Path) -> None:
    """Only its digest; the password and the keys are not in its database either."""
    with served(tmp_path / "registry", f'database = "registry.db"\n{GUARDED}') as registry:
        issued = login(registry.url)
    for name in ("registry.db", "registry.log"):
        assert issued.encode() not in (tmp_path / "registry" / name).read_bytes()
