"""The embedded registry as a process of its own, configured by a file, and its log."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from tests.forked import Process
from tests.git_repository import git_environment
from tests.plain_http import NO_TLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECT = "77b6a44cba5143ab91d13ab9a8ff44fd"
REGION = "cn-north-4"

ACCESS_KEY, SECRET_KEY = "AKPERMANENT0000000001", "SK-canary-permanent+/=1"
TEMPORARY_KEY, TEMPORARY_SECRET = "AKTEMPORARY0000000002", "SK-canary-temporary+/=2"
SECURITY_TOKEN = "ST-canary-security-token-3"  # noqa: S105 - nobody's
PASSWORD = 'PW-canary "pass\\word" 4'  # noqa: S105 - nobody's

AUTH = f"""
[auth]
lockout_after = 5

[[auth.access_keys]]
access_key = "{ACCESS_KEY}"
secret_key = "{SECRET_KEY}"

[[auth.access_keys]]
access_key = "{TEMPORARY_KEY}"
secret_key = "{TEMPORARY_SECRET}"
security_token = "{SECURITY_TOKEN}"

[[auth.users]]
name = "robot"
domain = "acme"
password = '{PASSWORD}'
"""
GUARDED = f"""
publish_seconds = 0.1

[projects]
{REGION} = "{PROJECT}"
{AUTH}
"""
_LISTENS = re.compile(r"^embedded registry: (http://\S+) ", re.MULTILINE)


@dataclass(frozen=True)
class Served:
    """A registry that is running.

    Attributes:
        log: the file that its standard error goes to.
    """

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def log_text(self) -> str:
        """What it has said so far."""
        return self.log.read_text("utf-8")

    def refusals(self, code: str = "") -> int:
        """How many requests it refused because of who asked."""
        return len(re.findall(rf" refused: 40[13] {re.escape(code)}", self.log_text))


@contextmanager
def served(folder: Path, settings: str = "", *options: str, name: str = "registry") -> Iterator[Served]:
    """Runs `reconciler registry serve` on a free port; `settings` is its file, kept for nobody else."""
    folder.mkdir(parents=True, exist_ok=True)
    file, log = folder / f"{name}.toml", folder / f"{name}.log"
    file.write_text(settings, "utf-8")
    command = ["registry", "serve", "--port", "0", "--settings", str(file), "--open", *options]
    with (
        log.open("wb") as errors,
        Process(
            [sys.executable, "-m", "reconciler", *command],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            env=git_environment() | {"PYTHONUNBUFFERED": "1"},
        ) as process,
    ):
        try:
            yield Served(_url(process, log), log, process)
        finally:
            process.terminate()
            process.wait(20)


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    ends = time.monotonic() + 30
    while time.monotonic() < ends and process.poll() is None:
        if match := _LISTENS.search(log.read_text("utf-8")):
            return match[1]
        time.sleep(0.02)
    raise AssertionError(f"the registry did not start: {log.read_text('utf-8')}")


def login(url: str) -> str:
    """A token, as somebody else would get it for this program."""
    user = {"name": "robot", "password": PASSWORD, "domain": {"name": "acme"}}
    scope = {"project": {"name": REGION}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    answer = httpx.post(f"{url}/v3/auth/tokens", json=body, verify=NO_TLS)
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"]
