"""Hostile configuration files and environments, up to the objects that are made from them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from reconciler.app.registries import Opening, registry_of
from reconciler.app.repository import source_of
from reconciler.daemon.triggers import trigger_of
from reconciler.embedded.testing.faults import load_faults
from reconciler.embedded.toml_settings import read_settings
from reconciler.settings import ModelArtsTarget, load
from reconciler.state import open_state
from tests.torture.hostile.damage import CANARY, bent, noise, torn, word
from tests.torture.hostile.looks import SECRET, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from reconciler.settings import Configuration
    from tests.torture.fuzz import Attack

_WHOLE: dict[str, Any] = {
    "source": {"repo": ".", "branch": "main", "timeout": "60s"},
    "targets": {
        "local": {"kind": "embedded", "path": "models.d", "publish_seconds": 0.5, "database": "r.db"},
        "prod": {
            "kind": "modelarts",
            "endpoint": "https://modelarts.example.org",
            "project_id": "p-1",
            "workspace_id": "0",
            "edition": "current",
            "rate": 20.0,
            "read_rate": 400.0,
            "timeout": "30s",
            "page_size": 100,
            "auth": {"method": "aksk", "access_key": "AK", "secret_key": SECRET},
        },
        "stage": {
            "kind": "modelarts",
            "endpoint": "http://127.0.0.1:1",
            "project_id": "p-2",
            "auth": {
                "method": "password",
                "iam_endpoint": "https://iam.example.org",
                "username": "u",
                "domain": "d",
                "scope": "s",
                "password": SECRET,
            },
        },
    },
    "state": {"dir": ".reconciler", "url": "sqlite:///state.db"},
    "schedule": {"every": "30s", "cron": "*/5 * * * 1-5", "jitter": "3s", "full_observation": "1h"},
    "guards": {"max_imports_per_cycle": 100},
    "follow": {"first": "10ms", "max": "1s", "deadline": "35m"},
    "web": {"enabled": True, "listen": "127.0.0.1:0", "webhook_secret": SECRET},
    "log": {"format": "json", "level": "info"},
}
_REGISTRY: dict[str, Any] = {
    "database": "registry.db",
    "publish_seconds": 1.0,
    "quota": 5,
    "offset_mode": "item",
    "projects": {"cn-north-4": "p-1"},
    "auth": {
        "access_keys": [{"access_key": "AK", "secret_key": SECRET}],
        "users": [{"name": "u", "domain": "d", "password": SECRET}],
        "lockout_after": 5,
    },
}
_FAULTS: dict[str, Any] = {
    "seed": 7,
    "visible_after": 1.5,
    "rules": [
        {"action": "drop", "method": "POST", "skip": 1, "times": 2},
        {"action": "reply", "status": 503, "retry_after": "1"},
        {"action": "slow", "part": "body", "seconds": 0.1, "probability": 0.5},
        {"action": "meddle", "how": "delete", "models": "a*"},
    ],
}
_PIECES: tuple[bytes, ...] = (
    b"[", b"]", b"[[", b"]]", b"{", b"}", b"=", b".", b",", b'"', b"'''", b'"""', b"#", b"\n", b"\r\n",
    b"\x00", b"\xff", b"a = ", b"a.", b"[targets.x]\n", b'kind = "embedded"\n', b"inf", b"nan", b"-0",
    b"0x_", b"1e999", b"9" * 50, b"9" * 5000, b"1979-05-27T07:32:00Z", b"99999-99-99", b"\\u0000",
    b"\\ud800", b"true", b"\xe2\x80\xae",
)  # fmt: skip
_CRONS = (
    "* * * * *",
    "61 * * * *",
    "* * 31 2 *",
    "*/0 * * * *",
    "a b c d e",
    "0 0 1 1 7-1",
    "*",
    "1-99999999 * * * *",
)
_PLACES = (
    "state__dir",
    "STATE__URL",
    "targets__local__path",
    "TARGETS__LOCAL__DATABASE",
    "targets",
    "web",
    "nothing",
)


@contextlib.contextmanager
def attacker(folder: Path) -> Iterator[Attack]:
    """One hostile file of one of the three kinds, or a hostile environment."""
    (folder / "models.d").mkdir()
    (folder / ".git").mkdir()
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("RECONCILER_", "GIT_"))
    }
    file = folder / "reconciler.toml"
    runner = asyncio.Runner()

    def attack(dice: Random) -> None:
        kind = dice.random()
        variables = _environment(dice) if dice.random() < 0.15 else {}
        try:
            with mock.patch.dict(os.environ, clean | variables, clear=True):
                if kind < 0.8:
                    file.write_bytes(_file(dice, _WHOLE))
                    _use(load(file, cwd=folder), dice, runner)
                elif kind < 0.9:
                    file.write_bytes(_file(dice, _REGISTRY))
                    read_settings(file)
                else:
                    file.write_bytes(_file(dice, _FAULTS))
                    load_faults(file)
        finally:
            require(not Path(CANARY).exists(), "a configuration started a program")

    with runner:
        yield attack


def _use(configuration: Configuration, dice: Random, runner: asyncio.Runner) -> None:
    """What commands make of it, as far as that contacts nobody."""
    trigger_of(configuration.settings.schedule)
    require(SECRET not in repr(configuration), "a configuration shows no secret")
    for name, target in configuration.settings.targets.items():
        if isinstance(target, ModelArtsTarget) or dice.random() < 0.1:
            runner.run(_open(configuration, name))
    if configuration.state_url.startswith("sqlite"):
        open_state(configuration.state_url, writer=False).close()
    source_of(configuration).close()


async def _open(configuration: Configuration, name: str) -> None:
    async with registry_of(configuration, name, Opening(acts=False)):
        pass


def _file(dice: Random, whole: dict[str, Any]) -> bytes:
    kind = dice.random()
    if kind < 0.1:
        return noise(dice, _PIECES)
    document = {key: whole[key] for key in whole if dice.random() < 0.7}
    if dice.random() < 0.8:
        document = bent(dice, document, dice.choice((1, 1, 3)))
    if "schedule" in whole and dice.random() < 0.1 and isinstance(document, dict):
        document["schedule"] = {"cron": dice.choice((*_CRONS, word(dice)))}
    data = _toml(document) if isinstance(document, dict) else noise(dice, _PIECES)
    return torn(dice, data, _PIECES, 3) if kind < 0.4 else data


def _toml(document: dict[str, Any]) -> bytes:
    """TOML of one line a key; what TOML has no word for is left out."""
    lines = (f"{_text(key)} = {_value(value)}" for key, value in document.items() if value is not None)
    try:
        return "\n".join(lines).encode(errors="replace")
    except RecursionError:
        return b"deep = " + b"[" * 2000


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(k)} = {_value(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(inner) for inner in value if inner is not None) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return _text(value) if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    try:
        return repr(value)
    except ValueError:  # more digits than Python writes
        return "1" * 5000


def _text(text: str) -> str:
    shown = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{"".join(shown)}"'


def _environment(dice: Random) -> dict[str, str]:
    """Variables that settings are read from; what no variable can hold is taken out."""
    variables = {}
    for _ in range(dice.randint(1, 3)):
        name = dice.choice((*_PLACES, word(dice).replace("=", ""))).replace("\0", "")
        value = dice.choice(
            (word(dice), '{"a": ' * 2000, "[]", "{}", '{"local": {"kind": "embedded"}}', "1e999", "null")
        )
        variables[f"RECONCILER_{name}"] = value.replace("\0", "")
    return variables
