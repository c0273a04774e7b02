"""`registry serve`, as a stranger on the same machine finds it."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.embedded.samples import request
from tests.forked import Process
from tests.git_repository import git_environment
from tests.plain_http import NO_TLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def started(folder: Path, *options: str) -> Iterator[tuple[str, str | None]]:
    """The URL of the real program's registry, and the token that it printed."""
    command = [
        sys.executable,
        "-m",
        "reconciler",
        "registry",
        "serve",
        "--port",
        "0",
        "--db",
        "r.db",
        *options,
    ]
    with Process(
        [*command, *options], cwd=folder, stderr=subprocess.PIPE, text=True, env=git_environment()
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            match = re.search(r"http://\S+", line)
            assert match is not None
            notice = process.stderr.readline() if "asks for a token" in line else ""
            yield match[0], notice.rpartition(" ")[2].strip() or None
        finally:
            process.terminate()
            process.wait(20)


def post(url: str, **headers: str) -> int:
    """The status of one import call."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = httpx.Request("POST", url, json=request()).content
    return httpx.post(
        f"{url}/v1/p/models", content=body, headers=named, trust_env=False, verify=NO_TLS
    ).status_code


def test_a_token_of_the_run_is_asked_for(tmp_path: Path) -> None:
    """Random, printed once; the database is for its owner alone."""
    with started(tmp_path) as (url, token), started(tmp_path, "--db", "other.db") as (_, other):
        assert token is not None
        assert other is not None
        assert token != other
        json = {"Content_Type": "application/json"}
        assert post(url, **json) == 401
        assert post(url, X_Auth_Token=other, **json) == 401
        assert post(url, X_Auth_Token=token, **json) == 200
        assert httpx.get(f"{url}/v1/p/models", trust_env=False, verify=NO_TLS).status_code == 401
        assert httpx.get(f"{url}/healthz", trust_env=False, verify=NO_TLS).status_code == 200
        files = [path for path in tmp_path.iterdir() if path.name.startswith("r.db")]
        assert files
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", None])
def test_a_body_that_a_strange_page_can_send_is_refused(tmp_path: Path, kind: str | None) -> None:
    """Without being asked, a browser declares none of another origin as JSON."""
    with started(tmp_path, "--open") as (url, token):
        assert token is None
        declared = {} if kind is None else {"Content_Type": kind}
        assert post(url, Origin="https://evil.example", **declared) == 415
        assert httpx.get(f"{url}/v1/p/models", trust_env=False, verify=NO_TLS).json()["total_count"] == 0
        assert post(url, Content_Type="application/json;charset=utf8") == 200


def test_a_page_whose_name_resolves_to_loopback_calls_no_open_registry(tmp_path: Path) -> None:
    """Its own name stands in `Host`; every name of loopback is good, and with a token any name is."""
    json = {"Content_Type": "application/json"}
    with started(tmp_path, "--open") as (url, _), started(tmp_path, "--db", "other.db") as (other, token):
        assert post(url, Host="evil.example", **json) == 421
        assert post(url, Host="", **json) in (400, 421)
        assert post(url, Host="registry.localhost:8400", **json) == 200
        assert post(other, Host="registry", X_Auth_Token=token or "", **json) == 200


def test_what_is_refused_at_the_door_is_named_and_dated(tmp_path: Path) -> None:
    """By whatever rule, like every other answer: a client can name the request, and compare the clocks."""
    json = {"Content-Type": "application/json"}
    refused: dict[int, httpx.Response] = {}
    with started(tmp_path, "--open") as (url, _), started(tmp_path, "--db", "other.db") as (other, _):
        for base, headers in ((url, {}), (url, json | {"Host": "evil.example"}), (other, json)):
            answer = httpx.post(
                f"{base}/v1/p/models", content=b"{}", headers=headers, trust_env=False, verify=NO_TLS
            )
            refused[answer.status_code] = answer
    assert set(refused) == {415, 421, 401}
    assert len({answer.headers["X-request-id"] for answer in refused.values()}) == 3
    assert all(answer.headers["Date"] for answer in refused.values())
    assert refused[421].json()["request_id"] == refused[421].headers["X-request-id"]
