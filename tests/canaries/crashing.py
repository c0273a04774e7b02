"""Libraries that raise what nobody expects, with all that they were given in the text."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NoReturn

import httpx

from tests.canaries.spelling import all_spellings

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = "CANARY_SECRETS"
"""The variable with the secrets as JSON: those that a library was given are in its text in every spelling."""


async def send(_: object, request: httpx.Request) -> NoReturn:
    """In place of a transport's sending."""
    given = f"{request.headers.raw} {request.content!r}"
    sent = [secret for secret in json.loads(os.environ[SECRETS]) if repr(secret.encode())[2:-1] in given]
    raise RuntimeError(f"{given} {all_spellings(sent)}")


def connect(*given: object, **named: object) -> NoReturn:
    """In place of a driver's connecting."""
    raise RuntimeError(f"{given} {named} {all_spellings(json.loads(os.environ[SECRETS]))}")


def install() -> None:
    """For a process of its own."""
    httpx.AsyncHTTPTransport.handle_async_request = send  # type: ignore[method-assign, assignment]


def start_file(folder: Path) -> None:
    """What a process whose `PYTHONPATH` names the folder does first."""
    (folder / "sitecustomize.py").write_text("from tests.canaries.crashing import install\ninstall()\n")
